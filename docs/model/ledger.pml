/* The store's record of one election, the requests on their way to it, and the clock. Included by
 * lease.pml and quorum.pml, which say what members do.
 *
 * Members are sessions: a process that starts again is another member. A crash needs no step of its
 * own, since nothing here ever has to happen: who is dead is who does nothing more.
 *
 * Time is discrete. Validity lasts LEASE ticks at most, counted from the sending; others wait HOLD
 * ticks at least, counted from the receipt. Any step may happen any number of ticks later or never,
 * so a clock that makes validity shorter or a wait longer is covered; LEASE = HOLD is the worst pair
 * of clocks that the drift allows.
 *
 * Beats are not numbers here. That the record is "exactly as expected" means that nobody has
 * written it since (`same`), so renewals are without limit; that no beat is used twice is taken for
 * granted. Reading takes no time: a slow answer is an early reading followed by a wait. The one more
 * reading before a claim is left out, since its answer may be as old: it spares claims that the
 * store refuses. Requests are lost, late without limit, and applied without their sender hearing of
 * it. */

#ifndef MEMBERS
#define MEMBERS 3
#endif
#ifndef TERMS
#define TERMS 3         /* acquisitions; then nobody claims any more */
#endif
#ifndef LEASE
#define LEASE 3
#endif
#ifndef HOLD
#define HOLD LEASE
#endif

/* Each can be left out (-DRULE=0); docs/model/README.md says which run then fails. */
#ifndef EXPECTED_BEAT
#define EXPECTED_BEAT 1    /* a claim is taken only if the record is exactly as expected */
#endif
#ifndef TIME_FROM_SEND
#define TIME_FROM_SEND 1   /* validity counts from the sending, not from the answer */
#endif
#ifndef RELEASE_AFTER_NO
#define RELEASE_AFTER_NO 1 /* the check says no before RELEASE leaves */
#endif

/* What is to be shown to happen at all, when a claim is applied: then a run with it fails. */
#ifndef HAPPENS
#define HAPPENS false
#endif
#define LAST_TERM (r.term == TERMS)
#define TAKEN_OVER (holder != NOBODY && holder != m && r.list == 0)
#define BY_VOTES (holder != m && r.list != 0)
#define ALL_LISTED (list == BIT(MEMBERS) - 1)

#define NOBODY MEMBERS
#define BIT(m) (1 << (m))
#define COUNT(set) (((set) & 1) + ((set) >> 1 & 1) + ((set) >> 2 & 1) + ((set) >> 3 & 1))

/* ---- the state ------------------------------------------------------------------------------- */

/* The record. Term 0: never held. */
byte term = 0;
byte holder = NOBODY;
byte list = 0; /* quorum: the voters */

/* Who leads: for whom the check is true. One suffices, as a second is the failure that is looked
 * for, found at the moment when it would become one. */
byte leader = NOBODY;
byte led = 0;  /* the leader's term, and the highest that anybody led */
byte left = 0; /* ticks of validity that the ledger gives the leader */

/* What each member knows of the record. */
byte seen[MEMBERS];  /* the term that it read last */
bit same[MEMBERS];   /* nobody has written since */
byte quiet[MEMBERS]; /* ticks without a new sight, up to HOLD */

#define IDLE 0
#define RENEW 1
#define CLAIM 2
#define RELEASE 3
#define RENEWED 4 /* applied, and the answer is on its way */
#define CLAIMED 5

/* A request is refused by being dropped: the record that the answer would bring can be read. */
typedef request {
    byte kind;
    byte left; /* ticks of validity that its confirmation would give */
    byte term; /* CLAIM: to write */
    byte list; /* RENEW: the list to write, 0 for none; CLAIM: who voted for it, 0 for no votes */
};
request op[MEMBERS];   /* the one whose answer the member waits for */
request late[MEMBERS]; /* one that it has given up, and that may be applied all the same */

#define SENT(r) (r.kind == RENEW || r.kind == CLAIM || r.kind == RELEASE)

/* Once the last term was claimed all that is left to see is whether its claimant leads too early. */
#define GOES_ON (term < TERMS || (led < TERMS && op[holder].kind == CLAIMED))

byte i = 0; /* of loops */

/* ---- what happens to it ---------------------------------------------------------------------- */

inline forget(r)
{
    r.kind = IDLE;
    r.left = 0;
    r.term = 0;
    r.list = 0
}

/* The leader's check says no. An answer to its renewal means nothing to it any more. */
inline step_down()
{
    if
    :: op[leader].kind == RENEWED -> forget(op[leader])
    :: else -> op[leader].left = 0
    fi;
    late[leader].left = 0;
    leader = NOBODY;
    left = 0;
    stepped_down()
}

/* Another holder, or none: whatever is on its way about the former one will be refused. */
inline shifted()
{
    i = 0;
    do
    :: i < MEMBERS ->
        same[i] = 0;
        quiet[i] = 0;
        unheard(i);
        if
        :: SENT(op[i]) -> forget(op[i])
        :: else
        fi;
        forget(late[i]);
        i++
    :: else -> break
    od;
    i = 0
}

/* Renewed: sights are to be had, and claims on the former beat will be refused. */
inline renewed()
{
    i = 0;
    do
    :: i < MEMBERS ->
        same[i] = 0;
        if
        :: EXPECTED_BEAT ->
                quiet[i] = 0;
            if
            :: op[i].kind == CLAIM -> forget(op[i])
            :: else
            fi;
            if
            :: late[i].kind == CLAIM -> forget(late[i])
            :: else
            fi
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

/* The store applies a request of m's that it did not refuse; `done` is what becomes of it. */
inline apply(m, r, done)
{
    if
    :: r.kind == RENEW ->
        renewed();
        pushed(m, r);
        if
        :: done != IDLE -> forget(late[m]) /* its beat is used up */
        :: else
        fi;
        if
        :: leader == m && done != IDLE -> r.kind = RENEWED
        :: else -> forget(r)
        fi
    :: r.kind == CLAIM ->
        assert(r.term > term);
        assert(!(HAPPENS));
        term = r.term;
        holder = m;
        claimed(m);
        if
        :: done != IDLE && (r.left > 0 || !TIME_FROM_SEND) -> r.kind = CLAIMED; r.list = 0
        :: else -> forget(r)
        fi;
        shifted()
    :: r.kind == RELEASE ->
        holder = NOBODY;
        list = 0;
        forget(r);
        shifted()
    fi
}

/* A tick of what a request's confirmation would give. */
inline age(r)
{
    if
    :: r.left > 0 -> r.left--
    :: else
    fi;
    if
    :: r.kind == CLAIMED && r.left == 0 && TIME_FROM_SEND -> forget(r) /* too late to lead by it */
    :: else
    fi
}

inline wait(m)
{
    if
    :: (same[m] || !EXPECTED_BEAT) && seen[m] == term && holder != NOBODY && holder != m &&
        quiet[m] < HOLD -> quiet[m]++
    :: else
    fi
}

/* ---- what members do with it, under either protocol ------------------------------------------ */

#define FREE(m) (leader != m && op[m].kind == IDLE)

/* It knows the record, and may claim it if it has waited long enough or need not wait. */
#define KNOWS(m) ((same[m] || !EXPECTED_BEAT) && seen[m] == term && term < TERMS)

/* Vacant, or its own without its leading: at once. (Who comes first is the same whoever it is.) */
#define OPEN(m) (KNOWS(m) && (holder == NOBODY || holder == m) && (term > 0 || m == 0))

#define UNCHANGED(m) (KNOWS(m) && holder != NOBODY && quiet[m] >= HOLD)

inline read(m)
{
    if
    :: seen[m] != term -> heard_of(m)
    :: else
    fi;
    seen[m] = term;
    same[m] = 1;
    quiet[m] = 0
}

inline send(m, what, term_to_write, list_to_write)
{
    op[m].kind = what;
    op[m].left = (what == RELEASE -> 0 : LEASE);
    op[m].term = term_to_write;
    op[m].list = list_to_write
}

/* An answer came to a claim. The one place where somebody begins to lead. */
inline lead(m)
{
    assert(leader == NOBODY);    /* exclusion */
    assert(op[m].term > led);    /* tokens grow */
    leader = m;
    led = op[m].term;
    left = (TIME_FROM_SEND -> op[m].left : LEASE);
    seen[m] = led;
    same[m] = 0;
    quiet[m] = 0;
    forget(op[m])
}

inline prolong(m)
{
    if
    :: !TIME_FROM_SEND -> left = LEASE
    :: TIME_FROM_SEND && op[m].left > left -> left = op[m].left
    :: else
    fi
}

/* These are alternatives of a member's loop. */
#define READS \
    :: d_step { FREE(_pid) && !same[_pid] -> read(_pid) } \
    :: d_step { /* the leader sees that it was superseded */ \
        leader == _pid && op[_pid].kind == IDLE && (holder != _pid || term != led) -> \
            step_down(); read(_pid) }

#define CLAIMS_BY_LEASE \
    :: d_step { FREE(_pid) && OPEN(_pid) -> send(_pid, CLAIM, seen[_pid] + 1, 0) } \
    :: d_step { FREE(_pid) && UNCHANGED(_pid) -> send(_pid, CLAIM, seen[_pid] + 1, 0) }

#define ANSWERS_TO_CLAIMS \
    :: d_step { op[_pid].kind == CLAIMED -> lead(_pid) }

#define RELEASES \
    :: d_step { leader == _pid && op[_pid].kind == IDLE && holder == _pid && term == led -> \
        if \
        :: RELEASE_AFTER_NO -> step_down() \
        :: else \
        fi; \
        send(_pid, RELEASE, 0, 0) }

/* Lost, with what becomes of it or without; or given up and still on its way. */
#define LOSES \
    :: d_step { op[_pid].kind != IDLE -> forget(op[_pid]) } \
    :: d_step { late[_pid].kind == IDLE && SENT(op[_pid]) -> \
        late[_pid].kind = op[_pid].kind; \
        late[_pid].left = (op[_pid].kind == RENEW && leader == _pid -> op[_pid].left : 0); \
        late[_pid].term = op[_pid].term; late[_pid].list = op[_pid].list; forget(op[_pid]) }
