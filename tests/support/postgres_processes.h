/* The processes of a PostgreSQL server, found without any right beyond that of seeing them. */
#ifndef POSTGRES_PROCESSES_H
#define POSTGRES_PROCESSES_H

#include <stddef.h>

/* The newest PostgreSQL of this machine: `program` with its path. */
void postgres_program(char path[], size_t size, const char *program);

/* Sends a signal to every process of the server in that directory, its postmaster included; how
 * many there were. After SIGKILL it waits until those have ended. */
unsigned postgres_processes_signal(const char *directory, int signal);

/* Ends all processes of the server in that directory, and frees the piece of shared memory that a
 * killed one leaves. */
void postgres_processes_sweep(const char *directory);

#endif
