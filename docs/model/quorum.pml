/* Protocol `quorum`: voters in the record, beats that the store pushes, acknowledgements, votes.
 * Never two leaders at an instant, and terms grow.
 *
 * A leader is valid by the ledger, as under `lease`, and as long as half of the voters, itself
 * counted, have acknowledged beats sent within LEASE ticks: half of the list that the store has
 * shown, and of the one that is on its way. A rival may claim, besides as under `lease`, with the
 * votes of more than half of the list in the record.
 *
 * Of beats and acknowledgements on their way to the same receiver the newest counts and older ones
 * are lost: one that comes late tells less than one that came early. A vote, once given, may be
 * used at any time, by anyone. Votes are given without a call, and anybody may be made a voter
 * or struck at any time; the rules about these (ACKED_ONLY, SILENT_STRUCK) spare losses and are not
 * needed here. */
#include "ledger.pml"

#ifndef VOTES_COUNTED
#define VOTES_COUNTED 1  /* the store counts votes against the list in the record */
#endif
#ifndef CLAIM_ALONE
#define CLAIM_ALONE 1    /* a claim lists the claimant alone */
#endif
#ifndef VOTE_SILENCE
#define VOTE_SILENCE 1   /* a voter has known the leadership in silence for a hold */
#endif
#ifndef VOTE_BINDS
#define VOTE_BINDS 1     /* and never acknowledges it again */
#endif
#ifndef VOTE_NAMES
#define VOTE_NAMES 1     /* a vote counts against the term that it names */
#endif
#ifndef VOTE_NOT_SELF
#define VOTE_NOT_SELF 1  /* nobody votes against a record of its own */
#endif
#ifndef ACK_DEADLINE
#define ACK_DEADLINE 1   /* validity needs acknowledgements */
#endif
#ifndef ACK_EVERY_LIST
#define ACK_EVERY_LIST 1 /* of every list that the store may hold */
#endif
#ifndef LIST_CONFIRMED
#define LIST_CONFIRMED 1 /* a list counts as written when the store has shown it */
#endif
#ifndef ACK_FROM_SEND
#define ACK_FROM_SEND 1  /* counted from the sending of the beat */
#endif

/* ---- the state ------------------------------------------------------------------------------- */

/* Of each member as a follower. */
byte mute[MEMBERS];  /* ticks since a beat, or since it first knew this leadership, up to HOLD */
byte voted[MEMBERS]; /* the term that it voted against */

/* On their way, and as counted by the leader: the ticks of validity that they are worth. */
byte beat[MEMBERS];  /* to that member */
byte ack[MEMBERS];   /* from it */
byte acked[MEMBERS]; /* arrived */

/* The leader's lists. */
byte shown = 0;    /* confirmed */
byte proposed = 0; /* on its way; 0: none */

#define EVERYBODY (BIT(MEMBERS) - 1)
#if MEMBERS > 3
#define SET(what) ((what(0)) | (what(1)) << 1 | (what(2)) << 2 | (what(3)) << 3)
#else
#define SET(what) ((what(0)) | (what(1)) << 1 | (what(2)) << 2)
#endif
#define HEARD(j) (acked[j] > 0 || j == leader)
#define VOTED(j) (voted[j] == term || (!VOTE_NAMES && voted[j] != 0))

#define CARRIED(l) (2 * COUNT((l) & SET(HEARD)) >= COUNT(l))
#define VALID (!ACK_DEADLINE || \
    (CARRIED(shown) && (proposed == 0 || !ACK_EVERY_LIST || CARRIED(proposed))))

#define MAJORITY(votes) (2 * COUNT((votes) & list) > COUNT(list) || !VOTES_COUNTED)

/* ---- what follows from what ledger.pml does --------------------------------------------------- */

/* Promises about terms that nobody leads or holds are kept without anything to keep. */
inline forget_promises()
{
    i = 0;
    do
    :: i < MEMBERS ->
        if
        :: VOTE_NAMES && voted[i] != term && !(leader != NOBODY && voted[i] == led) -> voted[i] = 0
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

inline stepped_down()
{
    i = 0;
    do
    :: i < MEMBERS ->
        beat[i] = 0;
        ack[i] = 0;
        acked[i] = 0;
        i++
    :: else -> break
    od;
    shown = 0;
    proposed = 0;
    forget_promises()
}

/* A renewal was applied: its list is in the record, and everybody is sent a beat. */
inline pushed(m, r)
{
    if
    :: r.list != 0 -> list = r.list
    :: else
    fi;
    if
    :: leader == m ->
        i = 0;
        do
        :: i < MEMBERS && i != m && (voted[i] != led || !VOTE_BINDS) -> beat[i] = r.left; i++
        :: i < MEMBERS && (i == m || (voted[i] == led && VOTE_BINDS)) -> i++
        :: else -> break
        od;
        i = 0
    :: else /* nobody leads by it any more */
    fi
}

inline claimed(m)
{
    list = (CLAIM_ALONE -> BIT(m) : list | BIT(m));
    forget_promises()
}

inline heard_of(m) { mute[m] = 0 }
inline unheard(m) { mute[m] = 0 }

/* ---- the leader's lists ---------------------------------------------------------------------- */

inline settle(l)
{
    shown = l;
    proposed = 0
}

inline check_valid()
{
    if
    :: leader != NOBODY && (left == 0 || !VALID) -> step_down()
    :: else
    fi
}

inline propose(m, l)
{
    send(m, RENEW, 0, l);
    if
    :: LIST_CONFIRMED -> proposed = l
    :: else -> shown = l
    fi;
    check_valid()
}

#define PROPOSES(l) \
    :: d_step { leader == _pid && op[_pid].kind == IDLE && proposed == 0 && l != shown && \
        l <= EVERYBODY && (l & BIT(_pid)) -> propose(_pid, l) }

active [MEMBERS] proctype member() provided (GOES_ON)
{
    do
    READS
    CLAIMS_BY_LEASE
    :: d_step { FREE(_pid) && KNOWS(_pid) && holder != NOBODY && holder != _pid &&
        SET(VOTED) != 0 && MAJORITY(SET(VOTED)) -> send(_pid, CLAIM, seen[_pid] + 1, SET(VOTED)) }
    :: d_step { op[_pid].kind == CLAIMED -> lead(_pid); settle(BIT(_pid)) }

    :: d_step { leader == _pid && op[_pid].kind == IDLE && left < LEASE ->
        send(_pid, RENEW, 0, proposed) }
    PROPOSES(1) PROPOSES(2) PROPOSES(3) PROPOSES(4) PROPOSES(5) PROPOSES(6) PROPOSES(7)
#if MEMBERS > 3
    PROPOSES(8) PROPOSES(9) PROPOSES(10) PROPOSES(11) PROPOSES(12) PROPOSES(13) PROPOSES(14)
    PROPOSES(15)
#endif
    :: d_step { op[_pid].kind == RENEWED ->
        prolong(_pid);
        if
        :: proposed != 0 && op[_pid].list == proposed -> settle(proposed)
        :: else
        fi;
        forget(op[_pid]);
        check_valid() }
    :: d_step { /* a reading shows the list */
        leader == _pid && op[_pid].kind == IDLE && holder == _pid && term == led &&
        proposed != 0 && list == proposed -> settle(proposed); check_valid() }
    RELEASES
    LOSES
    :: d_step { SENT(op[_pid]) && (op[_pid].kind != CLAIM || op[_pid].list == 0 ||
        MAJORITY(op[_pid].list)) -> apply(_pid, op[_pid], RENEWED) }
    :: d_step { SENT(late[_pid]) && (late[_pid].kind != CLAIM || late[_pid].list == 0 ||
        MAJORITY(late[_pid].list)) -> apply(_pid, late[_pid], IDLE) }

    :: d_step { /* a beat is received and acknowledged */
        beat[_pid] > 0 && seen[_pid] == led && (voted[_pid] != led || !VOTE_BINDS) ->
        ack[_pid] = beat[_pid];
        beat[_pid] = 0;
        mute[_pid] = 0 }
    :: d_step { /* the acknowledgement comes to the leader */
        ack[_pid] > 0 ->
        if
        :: !ACK_FROM_SEND -> acked[_pid] = LEASE
        :: ACK_FROM_SEND && ack[_pid] > acked[_pid] -> acked[_pid] = ack[_pid]
        :: else
        fi;
        ack[_pid] = 0 }
    :: d_step { /* a vote against the leadership in the record */
        seen[_pid] == term && holder != NOBODY && voted[_pid] != term &&
        ((holder != _pid && leader != _pid) || !VOTE_NOT_SELF) &&
        (mute[_pid] >= HOLD || !VOTE_SILENCE) ->
        voted[_pid] = term;
        mute[_pid] = 0;
        if
        :: VOTE_BINDS && led == term -> beat[_pid] = 0
        :: else
        fi }
    od
}

inline fade(ticks)
{
    if
    :: ticks > 0 -> ticks--
    :: else
    fi
}

inline listen(m)
{
    if
    :: seen[m] == term && holder != NOBODY && (holder != m || !VOTE_NOT_SELF) &&
        voted[m] != term && mute[m] < HOLD -> mute[m]++
    :: else
    fi
}

active proctype clock() provided (GOES_ON)
{
    do
    :: d_step {
        true ->
        i = 0;
        do
        :: i < MEMBERS ->
            age(op[i]);
            age(late[i]);
            wait(i);
            listen(i);
            fade(beat[i]);
            fade(ack[i]);
            fade(acked[i]);
            if
            :: ack[i] <= acked[i] && ACK_FROM_SEND -> ack[i] = 0 /* tells nothing */
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        fade(left);
        check_valid()
    }
    od
}
