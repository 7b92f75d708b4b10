/* Which rule of the engine to leave out: the one named by INTERREX_MUTANT. Used by builds with
 * IRX_MUTANTS only. */
#include "engine/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool irx__rule_holds(irx__rule rule);

bool irx__rule_holds(irx__rule rule)
{
    static const char *const names[] = {
#define X(name, text) #name,
        IRX_RULE_MAP(X)
#undef X
    };
    static int missing = -1;
    if (missing == -1) {
        const char *wanted = getenv("INTERREX_MUTANT");
        missing = IRX__RULE_COUNT;
        for (int i = 0; wanted != NULL && i < IRX__RULE_COUNT; i++) {
            if (strcmp(wanted, names[i]) == 0)
                missing = i;
        }
        if (wanted != NULL && missing == IRX__RULE_COUNT) {
            fprintf(stderr, "INTERREX_MUTANT: there is no rule %s\n", wanted);
            exit(2);
        }
    }
    return (int)rule != missing;
}
