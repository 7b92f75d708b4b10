/* What the parts of test_postgres.c share. */
#ifndef CHAOS_POSTGRES_H
#define CHAOS_POSTGRES_H

#include "cmocka_all.h"

#include "postgres_server.h"
#include "troop.h"

extern postgres_server *server; /* of the present test, with the table in it */
extern troop *members;

extern const char *const SAFE[];
extern const char *const FAST[];
/* A lease that outlasts a machine that stands still for a second, and one that outlasts whatever is
 * done to its sessions here. */
extern const char *const LONGER[];
extern const char *const STEADY[];
/* Nobody takes over by waiting here: the time-out is longer than the test's patience. */
extern const char *const PATIENT[];

/* The table, anew, as an operator makes it, for a role with few rights. */
void give_table(postgres_server *to);
/* Fails where the answer is another one. */
void said(postgres_server *by, const char *expected, const char *sql);

/* A member whose sessions are called by its number: m0, m1, ... */
unsigned add_by(int port, const char *const options[]);
/* This many members; the number of the leader. */
unsigned gather(unsigned count, const char *const options[]);
void assert_reason(const troop_reign *reign, irx_reason one, irx_reason or_this);

/* ---- postgres_sessions.c ---- */

void a_killed_leader_is_followed_by_the_waiting_line(void **state);
void under_fast_a_lost_presence_ends_the_term(void **state);
void a_lost_command_session_costs_nothing(void **state);
void a_lost_line_of_the_watch_is_drawn_anew(void **state);
void under_safe_all_sessions_may_end(void **state);
void a_forked_child_keeps_nothing_of_its_parent_alive(void **state);
void settings_of_others_do_not_reach_us(void **state);
void locks_do_not_stack(void **state);
void a_watch_holds_nobody_back(void **state);
void a_row_that_is_locked(void **state);
void a_table_that_is_locked(void **state);

#endif
