/* Three members of one election: one leads, stops, and the next one leads. */
#include <interrex.h>
#include <stdio.h>

/* Takes events until one of `kind` comes. */
static bool await(irx_election *election, irx_happening kind)
{
    irx_event *event;
    bool found = false;
    while (!found && irx_election_next_event(election, &event, 10000) == 0) {
        found = event->kind == kind;
        irx_event_free(event);
    }
    return found;
}

int main(void)
{
    irx_election *members[3];
    irx_options *options = irx_options_new();
    irx_options_set(options, "name", "example");
    for (int i = 0; i < 3; i++) {
        irx_error error;
        if (irx_election_open(&members[i], "memory:", options, &error) != 0)
            return fprintf(stderr, "%s\n", error.text), 1;
        irx_election_start(members[i]);
        await(members[i], IRX_STARTED);
    }
    for (int i = 0; i < 3; i++) {
        irx_token token;
        if (!await(members[i], IRX_ELECTED) || !irx_election_check(members[i], 100, &token))
            return fprintf(stderr, "member %d was not elected\n", i), 1;
        printf("member %d leads term %llu\n", i, (unsigned long long)token.term);
        irx_election_stop(members[i]);
        await(members[i], IRX_STOPPED);
    }
    for (int i = 0; i < 3; i++)
        irx_election_close(members[i]);
    irx_options_free(options);
}
