/* Small files in a directory: read whole, replaced whole; and what an errno means to an election.
 */
#ifndef IRX_LOCAL_FILES_H
#define IRX_LOCAL_FILES_H

#include "interrex_types.h"

/* Fills *error for a failed system call: IRX_EFULL (no room), IRX_EUNAVAILABLE (read-only, no
 * right), IRX_ENOMEM or IRX_ESYSTEM, with what was being done, the path and errno's own words.
 * Returns the code. */
int irx__local_fail(irx_error *error, int number, const char *doing, const char *where,
                    const char *file);

/* Reads a whole file of at most `most` bytes into *text (malloc, ends with a zero). 1: there is no
 * such file, or it is empty. 0, or IRX_EFOREIGN where it is no plain file, too large or carries a
 * zero byte. `where` is for the error. */
int irx__local_read(int directory, const char *file, size_t most, char **text, const char *where,
                    irx_error *error);

/* Reads the first bytes of a file, `room` - 1 at most, and ends them with a zero. 0, 1 and errors
 * as above, but that it may be of any size. */
int irx__local_read_head(int directory, const char *file, char *text, size_t room,
                         const char *where, irx_error *error);

/* Replaces a file by a rename, or leaves everything as it was. */
int irx__local_replace(int directory, const char *file, const char *text, size_t length,
                       const char *where, irx_error *error);

/* Writes all of it, or says why not (errno). */
bool irx__local_write(int fd, const char *text, size_t length);

#endif
