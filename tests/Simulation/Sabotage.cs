using System.Reflection;
using System.Runtime.Loader;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Campaigns.Simulation;

/// <summary>One law broken in one method of a copy of the product: a simulator that does not notice it is worth nothing.</summary>
/// <param name="Name">what is broken, in plain words</param>
/// <param name="Assembly"><c>Grains</c> or <c>Silo</c></param>
/// <param name="Break">changes the method's instructions</param>
public sealed record Sabotage(string Name, string Assembly, string Type, string Method, Action<MethodDefinition> Break)
{
    /// <summary>In how many seeds it must be noticed.</summary>
    public const int SeedsMax = 400;

    /// <summary>The control: a copy in which nothing is broken plays as the product does.</summary>
    public static Sabotage Nothing { get; } = new("nothing is broken", "Silo", "Cell", "Remember", _ => { });

    public static IReadOnlyList<Sabotage> All { get; } =
    [
        new("an answer leaves before its facts are durable", "Silo", "Local.Lane", "Release", Answer("IsFlushed", true)),
        new("a message leaves before the debt is durable", "Silo", "Local.Lane", "Dispatch", Answer("IsFlushed", true)),
        new("a failed write is not the end", "Silo", "Local.LocalEngine", "Fail", DoNothing),
        new("debts are not paid after a restart", "Silo", "Local.LocalEngine", "WakeDebtors", ReturnCompleted),
        new("what recovery has replayed is not followed up", "Silo", "Local.Lane", "Recovered", DoNothing),
        new("a message that found its receiver busy is not sent again", "Silo", "Local.Lane", "SendLater", DoNothing),
        new("the next message of a line is forgotten", "Silo", "Local.Lane", "SendNext", DoNothing),
        new("deadlines of grains outside memory are not looked up", "Silo", "Local.LocalEngine", "WakeStored", ReturnCompleted),
        new("a deadline that comes is not handled", "Silo", "Local.Lane", "Fire", DoNothing),
        new("a state counts as stored and is not", "Silo", "Local.Lane", "Store", Skip("Add")),
        new("the tail begins too late", "Silo", "Local.Lane", "TailStart", ReturnLastPosition),
        new("who waits for a debt to be paid is forgotten", "Silo", "Local.Lane", "AnswerWaiting", DoNothing),
        new("a repeated request is decided again", "Silo", "Cell", "Remember", DoNothing),
        new("the facts of one decision are applied backwards", "Silo", "Cell", "Record", TakeBackwards),
        new("a debt that was paid stays open", "Grains", "Kernel.Debts", "Settle", ReturnFirst),
        new("units held and given back are not counted", "Grains", "Stock.StockRules", "Take", DoNothing),
        new("a closed reservation keeps its units", "Grains", "Stock.StockRules", "Close", DoNothing),
        new("more is held than there is", "Grains", "Stock.StockState", "LeftFor", ReturnMuch),
        new("a refused assist keeps the day's quota", "Grains", "Shopper.ShopperRules", "GiveBack", DoNothing),
        new("a helper cuts one price twice", "Grains", "Bargain.BargainState", "CutBy", ReturnNothing),
        new("a seat that came to nothing stays taken", "Grains", "GroupBuy.GroupBuyRules", "Release", DoNothing),
        new("a participation that is over keeps its place", "Grains", "Campaign.CampaignRules", "Close", DoNothing),
        new("money is taken twice for one payment", "Grains", "Order.OrderState", "HasTaken", ReturnFalse),
        new("what was posted is not on the accounts", "Grains", "Ledger.LedgerRules", "Move", DoNothing),
        new("a let-go hold is forgotten at once", "Grains", "Stock.StockRules", "End", Skip("Note")),
        new("what is over is taken for new", "Grains", "Kernel.Past", "Has", ReturnFalse),
        new("what is not remembered any more is taken for new", "Grains", "Kernel.Past", "Forget", Skip("set_ForgottenThrough")),
        new("an older wish counts at the stock", "Grains", "Stock.Reservation", "get_AskedAt", ReturnDefaultTime),
        new("an older release ends a newer hold", "Grains", "Stock.StockHold", "get_AskedAt", ReturnDefaultTime),
        new("an older return ends a newer claim", "Grains", "Campaign.Claim", "get_AskedAt", ReturnDefaultTime),
        new("more is refunded than was paid", "Grains", "Order.OrderRules", "Add", ReturnFirst),
    ];

    /// <summary>Plays seeds against the product with this law broken, until one notices.</summary>
    /// <returns>the seed and what it noticed; null if none did</returns>
    /// <param name="from">the first seed</param>
    /// <param name="seeds">how many are played at most</param>
    public string? Caught(long from, int seeds = SeedsMax)
    {
        var product = new Copy(this);
        try
        {
            return (string?)product.LoadFromAssemblyName(typeof(Seeds).Assembly.GetName()).GetType(typeof(Seeds).FullName!)!
                .GetMethod(nameof(Seeds.FirstViolation), BindingFlags.Static | BindingFlags.NonPublic)!.Invoke(null, [from, seeds]);
        }
        catch (TargetInvocationException broken) when (broken.InnerException is not (InvalidProgramException or MemberAccessException or TypeLoadException or BadImageFormatException))
        {
            return $"the run broke down: {broken.InnerException!.Message}";
        }
        finally
        {
            product.Unload();
        }
    }

    private static void DoNothing(MethodDefinition method) => Become(method);

    private static void ReturnFalse(MethodDefinition method) => Become(method, Instruction.Create(OpCodes.Ldc_I4_0));

    private static void ReturnNothing(MethodDefinition method) => Become(method, Instruction.Create(OpCodes.Ldnull));

    private static void ReturnFirst(MethodDefinition method) => Become(method, Instruction.Create(OpCodes.Ldarg_0));

    private static void ReturnDefaultTime(MethodDefinition method) => Become(method, Instruction.Create(OpCodes.Ldsfld, method.Module.ImportReference(typeof(DateTimeOffset).GetField(nameof(DateTimeOffset.MinValue)))));

    private static void ReturnMuch(MethodDefinition method) => Become(method, Instruction.Create(OpCodes.Ldc_I8, 1_000_000L));

    private static void ReturnCompleted(MethodDefinition method) => Become(method, Instruction.Create(OpCodes.Call, method.Module.ImportReference(typeof(Task).GetProperty(nameof(Task.CompletedTask))!.GetMethod)));

    private static void ReturnLastPosition(MethodDefinition method)
    {
        var journal = method.DeclaringType.Fields.Single(f => f.Name == "journal");
        var position = journal.FieldType.Resolve().Methods.Single(m => m.Name == "get_LastPosition");
        Become(method, Instruction.Create(OpCodes.Ldarg_0), Instruction.Create(OpCodes.Ldfld, journal), Instruction.Create(OpCodes.Callvirt, position));
    }

    private static void TakeBackwards(MethodDefinition method)
    {
        var read = method.Body.Instructions.First(i => i.OpCode == OpCodes.Ldelem_Ref);
        method.Body.GetILProcessor().Replace(read, Instruction.Create(OpCodes.Call, method.Module.ImportReference(typeof(Sabotage).GetMethod(nameof(Backwards)))));
    }

    private static Action<MethodDefinition> Answer(string called, bool answer) => method =>
    {
        var call = CallOf(method, called);
        var il = method.Body.GetILProcessor();
        foreach (var _ in Enumerable.Range(0, Arguments(call))) il.InsertBefore(call, Instruction.Create(OpCodes.Pop));
        il.Replace(call, Instruction.Create(answer ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0));
    };

    private static Action<MethodDefinition> Skip(string called) => method =>
    {
        var call = CallOf(method, called);
        var il = method.Body.GetILProcessor();
        for (var i = Arguments(call); i > 1; i--) il.InsertBefore(call, Instruction.Create(OpCodes.Pop));
        il.Replace(call, Instruction.Create(OpCodes.Pop));
    };

    private static Instruction CallOf(MethodDefinition method, string called) =>
        method.Body.Instructions.FirstOrDefault(i => i.Operand is MethodReference m && m.Name == called) ?? throw new InvalidOperationException($"{method.Name} does not call {called} any more: the sabotage must follow.");

    private static int Arguments(Instruction call) => ((MethodReference)call.Operand) is var m ? m.Parameters.Count + (m.HasThis ? 1 : 0) : 0;

    private static void Become(MethodDefinition method, params Instruction[] value)
    {
        method.Body = new(method);
        foreach (var instruction in value) method.Body.Instructions.Add(instruction);
        method.Body.Instructions.Add(Instruction.Create(OpCodes.Ret));
    }

    /// <summary>The events of a decision, the last one first.</summary>
    public static object Backwards(object[] events, int i) => events[^(i + 1)];

    /// <summary>The product once more, beside the real one, with one method changed.</summary>
    private sealed class Copy(Sabotage sabotage) : AssemblyLoadContext(sabotage.Name, isCollectible: true)
    {
        protected override System.Reflection.Assembly? Load(AssemblyName assemblyName)
        {
            if (assemblyName.Name is not ("Campaigns.Grains" or "Campaigns.Silo" or "Campaigns.Simulation")) return null;
            var path = Path.Combine(AppContext.BaseDirectory, assemblyName.Name + ".dll");
            using var bytes = assemblyName.Name == $"Campaigns.{sabotage.Assembly}" ? Broken(path) : new MemoryStream(File.ReadAllBytes(path));
            return LoadFromStream(bytes);
        }

        private MemoryStream Broken(string path)
        {
            using var module = ModuleDefinition.ReadModule(path);
            sabotage.Break(module.GetType($"Campaigns.{sabotage.Assembly}.{sabotage.Type}").Methods.Single(m => m.Name == sabotage.Method));
            var changed = new MemoryStream();
            module.Write(changed);
            changed.Position = 0;
            return changed;
        }
    }
}
