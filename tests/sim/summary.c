/* What happened in all runs together. */
#include "sim.h"

static const char *const OPERATIONS[] = {"READ",          "CREATE", "JOIN",    "LEAVE",  "CLAIM",
                                         "CLAIM_IF_GONE", "RENEW",  "RELEASE", "STRIKE", "PUBLISH"};
static const char *const MESSAGES[] = {"", "BEAT", "ACK", "CALL", "VOTE", "DATA"};
static const char *const RESULTS[] = {"OK",    "CONFLICT", "STALE",  "ABSENT",
                                      "EPOCH", "FAILED",   "UNKNOWN"};

static int count(FILE *file, const char *word, uint64_t number, bool expected)
{
    bool missing = number == 0 && expected;
    fprintf(file, " %s %llu%s", word, (unsigned long long)number, missing ? " (NONE!)" : "");
    return missing ? 1 : 0;
}

int sim_summary(const sim_report *r, sim_kinds expected, FILE *file)
{
    int missing = 0;
    bool all = expected != 0;
    bool quorum = all && r->runs_of[IRX_PROTOCOL_QUORUM] > 0;
    fprintf(
        file,
        "runs %llu (quorum %llu), steps %llu, simulated hours %.1f, most outputs of a step %llu\n",
        (unsigned long long)r->runs, (unsigned long long)r->runs_of[IRX_PROTOCOL_QUORUM],
        (unsigned long long)r->steps, (double)r->simulated_ms / 3600000.0,
        (unsigned long long)r->most_outputs);
    fprintf(file, "faults:");
    for (int i = 0; i < SIM_KINDS; i++)
        missing +=
            count(file, sim_kind_word((sim_kind)i), r->faults[i], (expected & SIM_BIT(i)) != 0);
    fprintf(file, "\ndrills:");
    for (int i = 0; i < SIM_DRILLS; i++)
        missing += count(file, sim_drill_word((sim_drill)i), r->drills[i], all);
    fprintf(file, "\ntransitions:");
    missing += count(file, "started", r->started, all);
    missing += count(file, "elected", r->elected, all);
    missing += count(file, "(if-gone", r->elected_if_gone, all);
    missing += count(file, "by votes", r->elected_by_votes, quorum);
    missing += count(file, ") draining", r->draining, all);
    missing += count(file, "stopped", r->stopped, all);
    fprintf(file, "\nlosses:");
    for (int i = IRX_REASON_NONE + 1; i < IRX_REASON_FORKED; i++)
        missing += count(file, irx_reason_text((irx_reason)i), r->defeated[i], all);
    fprintf(file, "\noperations:");
    for (int i = 0; i <= IRX_OP_PUBLISH; i++)
        missing += count(file, OPERATIONS[i], r->operations[i], all);
    fprintf(file, "\nmessages:");
    for (int i = IRX_MESSAGE_BEAT; i < IRX_MESSAGE_DATA; i++)
        missing += count(file, MESSAGES[i], r->messages[i], quorum);
    missing += count(file, "received", r->received, quorum);
    missing += count(file, "without effect", r->strays, quorum);
    missing += count(file, "for nobody", r->dropped, false);
    fprintf(file, "\nresults:");
    for (int i = 0; i <= IRX_RESULT_UNKNOWN; i++)
        missing += count(file, RESULTS[i], r->results[i], all && i == IRX_RESULT_OK);
    fprintf(
        file,
        "\nstale replies dropped %llu, writes fenced off %llu, publishes refused %llu, overlaps "
        "allowed "
        "by fast or a clock beyond the drift %llu, slowest election %.1f%% of the stated time\n",
        (unsigned long long)r->stale_replies, (unsigned long long)r->refused_writes,
        (unsigned long long)r->refused_publishes, (unsigned long long)r->excused,
        (double)r->slowest_permille / 10.0);
    return missing;
}
