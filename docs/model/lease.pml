/* Protocol `lease`, and what protocol `quorum` does without votes: never two leaders at an instant,
 * and terms grow. It knows nothing of epochs, of a record that is lost, or of `takeover: fast`; what
 * only forbids steps (staggers, back-off, the wait on a never-held record) is left out. */
#include "ledger.pml"

inline stepped_down() { skip }
inline pushed(m, r) { skip }
inline claimed(m) { skip }
inline heard_of(m) { skip }
inline unheard(m) { skip }

active [MEMBERS] proctype member() provided (GOES_ON)
{
    do
    READS
    CLAIMS_BY_LEASE
    ANSWERS_TO_CLAIMS
    :: d_step { leader == _pid && op[_pid].kind == IDLE && left < LEASE ->
        send(_pid, RENEW, 0, 0) }
    :: d_step { op[_pid].kind == RENEWED -> prolong(_pid); forget(op[_pid]) }
    RELEASES
    LOSES
    :: d_step { SENT(op[_pid]) -> apply(_pid, op[_pid], RENEWED) }
    :: d_step { SENT(late[_pid]) -> apply(_pid, late[_pid], IDLE) }
    od
}

active proctype clock() provided (GOES_ON)
{
    do
    :: d_step {
        true ->
        i = 0;
        do
        :: i < MEMBERS -> age(op[i]); age(late[i]); wait(i); i++
        :: else -> break
        od;
        i = 0;
        if
        :: left > 0 -> left--
        :: else
        fi;
        if
        :: leader != NOBODY && left == 0 -> step_down()
        :: else
        fi
    }
    od
}
