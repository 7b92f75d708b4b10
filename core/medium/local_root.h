/* The opened directory of a local medium, its identity, and its epoch. */
#ifndef IRX_LOCAL_ROOT_H
#define IRX_LOCAL_ROOT_H

#include <sys/types.h>

#include "interrex_types.h"
#include "runtime/url.h"

typedef struct irx__local_root {
    int fd; /* of the namespace's directory; -1: not open */
    dev_t device;
    ino_t inode;
    irx_id epoch;
    bool is_default;                               /* the directory was not named by anybody */
    char base[1024];                               /* the directory of the URL */
    char path[1024 + 3 * (IRX_NAME_MAX + 1) + 16]; /* base/namespace */
} irx__local_root;

/* Says where it would be; touches nothing. IRX_ECONFIG for a path that is too long or not absolute.
 */
int irx__local_root_name(irx__local_root *root, const irx_url *url, const char *namespace_name,
                         irx_error *error);

/* Opens it, making what is missing, and reads or draws the epoch. Open already: compares the path
 * with what is open and the epoch with the file's, and opens anew where they differ; *changed then,
 * as after a first opening. On an error it is closed. */
int irx__local_root_check(irx__local_root *root, bool *changed, irx_error *error);

void irx__local_root_close(irx__local_root *root);

#endif
