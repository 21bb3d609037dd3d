using System.Reflection;
using Campaigns.ApiFrontend.Edge;
using Campaigns.Grains.Kernel;
using Campaigns.Grains.Shop;
using Campaigns.Silo.Projections;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Campaigns.ApiFrontend;

/// <summary>What the generated OpenAPI document says beyond the endpoints themselves.</summary>
internal static class OpenApiDocument
{
    private const string ProblemType = "application/problem+json";

    public static void Describe(OpenApiOptions options)
    {
        options.AddDocumentTransformer(async (document, context, cancellation) =>
        {
            document.Info.Title = "Campaigns";
            document.Info.Version = "v1";
            document.Info.Description = "The campaign runtime. Errors are problem documents (RFC 9457) with a stable code.";
            document.Servers = [];
            document.Components ??= new();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
            {
                ["shopper"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "From POST /v1/sessions." },
                ["merchant"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = MerchantAuthentication.Header },
            };
            document.AddComponent(nameof(Problem), await context.GetOrCreateSchemaAsync(typeof(Problem), null, cancellation));
        });
        options.AddSchemaTransformer(async (schema, context, cancellation) =>
        {
            DescribeOwnJson(schema, context.JsonTypeInfo.Type);
            if (context.JsonTypeInfo.Type == typeof(SettingsBody))
            {
                var settings = await context.GetOrCreateSchemaAsync(typeof(ShopSettings), null, cancellation);
                var asked = await context.GetOrCreateSchemaAsync(typeof(UnlawfulTerms), null, cancellation);
                (schema.Type, schema.Required) = (settings.Type, settings.Required);
                schema.Properties = settings.Properties!.Concat(asked.Properties!).ToDictionary(StringComparer.Ordinal);
            }

            // What is null is left out, so nobody may count on the field being there.
            foreach (var field in context.JsonTypeInfo.Properties.Where(p => p.IsGetNullable)) schema.Required?.Remove(field.Name);
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            var endpoint = context.Description.ActionDescriptor.EndpointMetadata;
            AddParameters(operation, endpoint, context.Description.HttpMethod == HttpMethods.Post);
            if (endpoint.OfType<CsvBody>().FirstOrDefault() is { } csv)
                operation.RequestBody = new OpenApiRequestBody { Required = true, Description = csv.Format, Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal) { [ShipmentUploads.MediaType] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String } } } };
            operation.Responses ??= [];
            operation.Responses["default"] = new OpenApiResponse
            {
                Description = "Refused: a problem document.",
                Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal) { [ProblemType] = new() { Schema = new OpenApiSchemaReference(nameof(Problem), context.Document) } },
            };
            if (endpoint.OfType<IAuthorizeData>().LastOrDefault()?.Policy is not { } rule) return Task.CompletedTask;
            var scheme = rule == Rights.Shopper ? "shopper" : "merchant";
            operation.Security = [new() { [new OpenApiSecuritySchemeReference(scheme, context.Document)] = [] }];
            return Task.CompletedTask;
        });
    }

    // Types with a converter of their own are opaque to the schema generator.
    private static void DescribeOwnJson(OpenApiSchema schema, Type declared)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        if (type == typeof(string) || type == typeof(ShopId)) schema.Type = JsonSchemaType.String;
        else if (type == typeof(Money)) (schema.Type, schema.Format) = (JsonSchemaType.Integer, "int64");
        else if (type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IId<>))) (schema.Type, schema.Pattern) = (JsonSchemaType.String, "^[0-9a-f]{32}$");
    }

    private static void AddParameters(OpenApiOperation operation, IList<object> endpoint, bool isPost)
    {
        operation.Parameters ??= [];
        if (isPost && endpoint.OfType<IAuthorizeData>().Any())
            operation.Parameters.Add(Parameter(Idempotency.Header, ParameterLocation.Header, "1–128 visible ASCII characters: a repeat within 24 h gets the first answer", JsonSchemaType.String));
        var method = endpoint.OfType<MethodInfo>().FirstOrDefault();
        if (method is null || !method.GetParameters().Any(p => p.ParameterType == typeof(Paging))) return;
        operation.Parameters.Add(Parameter("cursor", ParameterLocation.Query, "nextCursor of the page before", JsonSchemaType.String));
        operation.Parameters.Add(Parameter("limit", ParameterLocation.Query, $"1–{DocumentStore.PageMax}, {Paging.LimitDefault} if absent", JsonSchemaType.Integer));
    }

    private static OpenApiParameter Parameter(string name, ParameterLocation location, string description, JsonSchemaType type) =>
        new() { Name = name, In = location, Description = description, Schema = new OpenApiSchema { Type = type } };
}
