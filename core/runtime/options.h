/* The options of an election as numbers and names, before they meet a medium. */
#ifndef IRX_OPTIONS_H
#define IRX_OPTIONS_H

#include "interrex.h"
#include "interrex_engine.h"
#include "medium/medium.h"

typedef struct irx__settings {
    char name[IRX_NAME_MAX + 1]; /* empty: not given, which open refuses */
    char namespace_name[IRX_NAMESPACE_MAX + 1];
    char meta[IRX_META_MAX + 1];
    char label[IRX_LABEL_MAX + 1]; /* empty: host:pid, filled in by open */
    int64_t profile_heartbeat_ms;
    int64_t profile_timeout_ms;
    int64_t heartbeat_ms; /* 0: the profile's */
    int64_t timeout_ms;   /* 0: the profile's */
    int64_t probe_ms;
    int64_t stall_limit_ms;
    int64_t drain_limit_ms;
    int64_t start_timeout_ms; /* 0: none */
    uint32_t drift_ppm;
    uint32_t max_members;
    irx_protocol protocol;
    int takeover; /* irx_takeover; 0: fast where the medium has presence */
    bool candidate;
    bool create_table;
} irx__settings;

struct irx_options {
    irx__settings settings;
    irx_error error; /* the first one; code 0: none */
};

/* One option of the table in options.c: reads `value` into *settings, or fails with the option, the
 * value and the rule in *error. */
int irx__option_apply(irx__settings *settings, const char *key, const char *value,
                      irx_error *error);

/* Brings the settings together with what the medium can do, and has the engine check the whole. */
int irx__options_resolve(const irx__settings *settings, const irx_medium_class *medium,
                         irx_engine_options *options, irx_error *error);

/* host:pid, or as much of it as fits. */
void irx__default_label(char label[IRX_LABEL_MAX + 1]);

#endif
