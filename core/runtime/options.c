/* The options object: defaults, the first error kept, and how the settings meet a medium. It must
 * never weaken a setting that was asked for: what a medium can not do is an error, not a silent
 * substitute. */
#include "runtime/options.h"

#include "runtime/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MILLISECOND_NS INT64_C(1000000)

irx_options *irx_options_new(void)
{
    irx_options *options = calloc(1, sizeof *options);
    if (!options)
        return NULL;
    options->settings = (irx__settings){
        .namespace_name = "interrex",
        .protocol = IRX_PROTOCOL_LEASE,
        .profile_heartbeat_ms = 300,
        .profile_timeout_ms = 1500,
        .probe_ms = 25,
        .drain_limit_ms = 5000,
        .drift_ppm = 5000,
        .max_members = 1024,
        .candidate = true,
        .create_table = true,
    };
    return options;
}

int irx_options_set(irx_options *options, const char *key, const char *value)
{
    if (!options)
        return IRX_ECONFIG;
    irx_error error = {0};
    int failed = irx__option_apply(&options->settings, key, value, &error);
    if (failed && !options->error.code)
        options->error = error;
    return failed;
}

const irx_error *irx_options_error(const irx_options *options)
{
    return options && options->error.code ? &options->error : NULL;
}

void irx_options_free(irx_options *options)
{
    free(options);
}

int irx__options_resolve(const irx__settings *settings, const irx_medium_class *medium,
                         irx_engine_options *options, irx_error *error)
{
    if (settings->name[0] == '\0')
        return irx__error_set(error, IRX_ECONFIG,
                              "option name is missing: members with the same URL, namespace and "
                              "name contend");
    if (settings->takeover == IRX_TAKEOVER_FAST && !medium->has_presence && !medium->kernel)
        return irx__error_set(error, IRX_ECONFIG,
                              "option takeover: \"fast\" needs a medium that sees a process end; "
                              "%s: does not, use safe",
                              medium->scheme);
    if (settings->protocol == IRX_PROTOCOL_QUORUM && !medium->has_quorum)
        return irx__error_set(error, IRX_ECONFIG,
                              "option protocol: \"quorum\" needs a medium that carries heartbeats "
                              "between members; %s: does not, use lease",
                              medium->scheme);
    int takeover = medium->has_presence ? IRX_TAKEOVER_FAST : IRX_TAKEOVER_SAFE;
    if (settings->takeover)
        takeover = settings->takeover;
    int64_t heartbeat_ms =
        settings->heartbeat_ms ? settings->heartbeat_ms : settings->profile_heartbeat_ms;
    int64_t timeout_ms = settings->timeout_ms ? settings->timeout_ms : settings->profile_timeout_ms;
    *options = (irx_engine_options){
        .protocol = settings->protocol,
        .takeover = (irx_takeover)takeover,
        .heartbeat_ns = heartbeat_ms * MILLISECOND_NS,
        .timeout_ns = timeout_ms * MILLISECOND_NS,
        .probe_ns = settings->probe_ms * MILLISECOND_NS,
        .drain_limit_ns = settings->drain_limit_ms * MILLISECOND_NS,
        .stall_limit_ns = settings->stall_limit_ms * MILLISECOND_NS,
        .drift_ppm = settings->drift_ppm,
        .candidate = settings->candidate,
        .has_presence = medium->has_presence,
        .kernel = medium->kernel,
    };
    return irx_engine_options_check(options, error);
}

void irx__default_label(char label[IRX_LABEL_MAX + 1])
{
    char host[IRX_LABEL_MAX - 12]; /* leaves room for the colon and the process */
    if (gethostname(host, sizeof host) != 0 || host[0] == '\0')
        memcpy(host, "localhost", sizeof "localhost");
    host[sizeof host - 1] = '\0';
    snprintf(label, IRX_LABEL_MAX + 1, "%s:%ld", host, (long)getpid());
}
