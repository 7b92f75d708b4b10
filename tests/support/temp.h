/* Private directories for tests. */
#ifndef TEMP_H
#define TEMP_H

enum { TEMP_PATH_MAX = 64 };

/* Makes a new empty directory, mode 0700. Ends the test program where it can not. */
void temp_make(char path[TEMP_PATH_MAX]);

/* Removes a directory and all that is in it; one that is gone is fine. */
void temp_remove(const char *path);

/* Runs a shell command; ends the test program where it fails. */
void temp_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
