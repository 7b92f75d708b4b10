/* The protocol's rules, by name, so that a test build can leave any one of them out.
 *
 * In a normal build IRX__RULE(x) is the constant true and nothing of this remains. With IRX_MUTANTS
 * the rule named in the environment variable INTERREX_MUTANT is off: scripts/mutants.sh shows that
 * a test fails for each of them. */
#ifndef IRX_RULES_H
#define IRX_RULES_H

#include <stdbool.h>

#define IRX_RULE_MAP(X)                                                                            \
    X(TIME_FROM_SEND, "validity counts from the sending of the confirmed request")                 \
    X(LEASE_DRIFT, "a leader's validity is shortened by the clock drift")                          \
    X(HOLD_DRIFT, "a hold is lengthened by the clock drift")                                       \
    X(LARGEST_HOLD, "a member waits the largest hold it has seen")                                 \
    X(HOLD_FROM_RECEIPT, "a hold counts from the first receipt of the newest sight")               \
    X(FRESH_CLAIM, "a claim after a hold needs a reading from after the hold")                     \
    X(EXPECTED_BEAT, "a claim names the beat it expects")                                          \
    X(UNUSED_BEAT, "no beat is sent twice")                                                        \
    X(NEVER_HELD_WAIT, "a never-held record is claimed a hold after its first sight")              \
    X(NEVER_HELD_RESET, "that wait begins anew when the record was absent in between")             \
    X(LIFE_SEEN, "a session that saw life waits on a never-held record under fast, too")           \
    X(QUARANTINE, "a record of another epoch is claimed only after a hold")                        \
    X(QUARANTINE_GONE, "a record of another epoch is not taken because its holder is gone")        \
    X(QUARANTINE_INCARNATION, "a record of another epoch gets a new incarnation")                  \
    X(EPOCH_STEP_DOWN, "a leader whose epoch is over steps down")                                  \
    X(EPOCH_NEW_SIGHT, "a record received under a new epoch is a new sight")                       \
    X(DEADLINE_FIRST, "the deadline is tested before the input is looked at")                      \
    X(STALE_REPLY, "a reply to an older operation changes nothing")                                \
    X(UNKNOWN_READ, "after an unknown result comes a READ")                                        \
    X(READ_CONFIRMS, "a READ that shows a sent beat confirms it, from its sending")                \
    X(RELEASE_AFTER_NO, "the snapshot says no before RELEASE leaves")                              \
    X(DRAIN_SEES_WORK, "a drain ends only on work counted after its snapshot was published")       \
    X(DRAIN_LIMIT, "a drain ends at its limit")                                                    \
    X(REST, "who resigned does not claim until everybody's next poll has passed")                  \
    X(REST_ALONE, "unless nobody else could lead")                                                 \
    X(ALONE_AFTER_READ, "and that is what a READ after the release says")                          \
    X(STAGGER, "claims are staggered by rank")                                                     \
    X(SUCCESSOR_FIRST, "the successor a release names claims at once, the deputy waits")           \
    X(GONE_MATCH, "GONE counts only for the process the record names")                             \
    X(GONE_SEEN, "CLAIM_IF_GONE needs presence_seen and takeover fast")                            \
    X(SEEN_STAYS, "a presence once seen stays so in renewals under the same process")              \
    X(DEPUTY_WATCHES, "only the deputy and the one behind it watch")                               \
    X(RANK_PRESENT, "a row without presence stands before nobody")                                 \
    X(RANK_UNIQUE, "of two rows of one number one stands before the other")                        \
    X(LATE_JOIN, "a row that a late JOIN made old is written anew")                                \
    X(FULL_STRIKES, "who finds the table full strikes before it joins again")                      \
    X(PAUSED_REPLY, "an answer after its deadline measures no round trip")                         \
    X(PRESENCE_LOST, "under fast a lost presence ends the term")                                   \
    X(PRESENCE_SENT, "so does one that only an unanswered renewal may have recorded")              \
    X(PRESENCE_OF_CLAIM, "a claim confirmed under an old process id is no leadership")             \
    X(SAFE_KEEPS, "under safe a lost presence costs nothing")                                      \
    X(CLOCK_JUMP, "a forward jump of the wall clock ends leadership")                              \
    X(CLOCK_NEW_SESSION, "after a clock jump the member is somebody new")                          \
    X(CLOCK_STIRS, "two copies of one guest become two")                                           \
    X(HOST_STALLED, "a silent host ends leadership and releases")                                  \
    X(STALLED_RESTS, "a stalled member does not claim until a pulse")                              \
    X(FORMAT_READ_ONLY, "a record of a newer format is never claimed")                             \
    X(MISMATCH, "a living leader with other settings stops the newcomer")                          \
    X(HINT_READS, "a hint causes a READ and never a transition")                                   \
    X(FIRST_TERM, "a first term is above every term known")                                        \
    X(ACK_DEADLINE, "quorum: validity needs acknowledgements of half of the voters")               \
    X(ACK_FROM_SEND, "quorum: an acknowledgement counts from the sending of its beat")             \
    X(ACK_EVERY_LIST, "quorum: it counts against every list that the store may hold")              \
    X(ACK_SHRINKS, "quorum: a deadline of acknowledgements may shrink")                            \
    X(SHORTER_FIRST, "quorum: what a longer list takes away is told before that list leaves")      \
    X(ACKED_ONLY, "quorum: only who acknowledged this term becomes a voter")                       \
    X(SILENT_STRUCK, "quorum: a silent voter is struck")                                           \
    X(LEAVER_STRUCK, "quorum: a voter that left is struck at once")                                \
    X(LIST_CONFIRMED, "quorum: a list counts as written only when the store has shown it")         \
    X(VOTES_COUNTED, "quorum: a claim by votes needs a majority of the recorded list")             \
    X(CLAIM_ALONE, "quorum: a claim lists the claimant alone")                                     \
    X(VOTE_SILENCE, "quorum: a voter has known the leadership in silence for a hold")              \
    X(VOTE_NAMES, "quorum: a vote counts against the leadership that it names, and no other")      \
    X(VOTE_BINDS, "quorum: who voted against a leadership acknowledges it no more")                \
    X(VOTE_NOT_SELF, "quorum: nobody votes against a record of its own")                           \
    X(BEAT_IS_SIGHT, "quorum: a beat is a sight of the record")                                    \
    X(GENUINE, "quorum: a message under another presence than its sender's is dropped")            \
    X(VALUE_GUARDED, "a value is published only by who holds the recorded term")                   \
    X(VALUE_COUNTED, "each has a version above the last one's")                                    \
    X(VALUE_INHERITED, "it outlives the leadership that it was published under")

typedef enum irx__rule {
#define X(name, text) IRX__RULE_##name,
    IRX_RULE_MAP(X)
#undef X
        IRX__RULE_COUNT
} irx__rule;

#ifdef IRX_MUTANTS
/* In tests/engine: true unless this rule is the one to leave out. */
bool irx__rule_holds(irx__rule rule);
#define IRX__RULE(name) irx__rule_holds(IRX__RULE_##name)
#else
#define IRX__RULE(name) true
#endif

#endif
