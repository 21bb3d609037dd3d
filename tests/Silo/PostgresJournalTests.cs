using Campaigns.Silo.Journal;
using Campaigns.Tests.Kit;
using Campaigns.Tests.Kit.Counters;

namespace Campaigns.Tests.Silo;

public sealed class PostgresJournalTests() : JournalTests(Store.Postgres())
{
}
