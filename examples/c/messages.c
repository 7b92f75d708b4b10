/* A leader that hands out work and publishes what is done, and a worker that asks for it: meta says
 * who is who, messages carry the talk, and the published value outlives the leader. */
#include <interrex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next event of this kind; the others are dropped. The caller frees it. */
static irx_event *await(irx_election *election, irx_happening kind)
{
    irx_event *event;
    while (irx_election_next_event(election, &event, 10000) == 0) {
        if (event->kind == kind)
            return event;
        irx_event_free(event);
    }
    fprintf(stderr, "nothing happened for ten seconds\n");
    exit(1);
}

static void check(int code)
{
    if (code != 0) {
        fprintf(stderr, "%s\n", irx_error_text(code));
        exit(1);
    }
}

static irx_election *begin(const char *meta)
{
    irx_election *election;
    irx_error error;
    irx_options *options = irx_options_new();
    irx_options_set(options, "name", "messages");
    irx_options_set(options, "meta", meta);
    if (irx_election_open(&election, "memory:", options, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    irx_options_free(options);
    check(irx_election_start(election));
    return election;
}

static void tell(const char *who, const irx_event *event)
{
    printf("%s reads: %.*s\n", who, (int)event->length, (const char *)event->data);
}

int main(void)
{
    irx_election *leader = begin("planner");
    irx_event_free(await(leader, IRX_ELECTED));
    irx_election *worker = begin("worker, 4 cores");
    irx_event_free(await(worker, IRX_LEADER));

    /* to whoever leads */
    check(irx_election_send(worker, IRX_TO_LEADER, (irx_id){0, 0}, "I am free", 9, NULL));
    irx_event *request = await(leader, IRX_MESSAGE);
    tell("leader", request);

    /* to the one who asked, as soon as the leader's table has it; the ticket tells that the medium
     * took it */
    uint64_t ticket;
    int code;
    while ((code = irx_election_send(leader, IRX_TO_MEMBER, request->from, "do chapter 7", 12,
                                     &ticket)) == IRX_ENOMEMBER)
        irx_event_free(await(leader, IRX_MEMBERS));
    check(code);
    irx_event_free(request);
    irx_event *settled = await(leader, IRX_SETTLED);
    check(settled->error.code);
    irx_event_free(settled);
    irx_event *order = await(worker, IRX_MESSAGE);
    tell("worker", order);
    irx_event_free(order);

    /* for everybody, and for the next leader */
    check(irx_election_publish(leader, "6 chapters done", 15, &ticket));
    settled = await(leader, IRX_SETTLED);
    check(settled->error.code);
    printf("published as %llu.%llu\n", (unsigned long long)settled->version.term,
           (unsigned long long)settled->version.index);
    irx_event_free(settled);
    irx_event *value = await(worker, IRX_VALUE);
    tell("worker", value);
    irx_event_free(value);

    irx_election_close(leader);
    irx_event_free(await(worker, IRX_ELECTED));
    irx_value *inherited;
    check(irx_election_value(worker, &inherited));
    printf("the new leader inherits: %.*s\n", (int)inherited->length,
           (const char *)inherited->data);
    irx_value_free(inherited);
    irx_election_close(worker);
}
