/* Scenarios: a file that reads like a transcript, and is asserted line by line.
 *
 * It begins with comments and the plan's head; then come the plan's faults ("at 3000 crash 1") and,
 * between them, what the members say, in the order in which it happens. A line "..." lets any
 * number of lines pass. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 2048, LINE_MAX_BYTES = 512 };

typedef struct script {
    const char *path;
    char (*lines)[LINE_MAX_BYTES]; /* what is expected */
    size_t count;
    char (*head)[LINE_MAX_BYTES];
    size_t head_count;
    size_t at;
    bool skipping;
    bool update;
    FILE *out;
    bool failed;
} script;

static void trim(char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
}

/* Whether `at` is left open, at the end or before an ellipsis, or fits. */
static void take_line(void *owner, const char *line)
{
    script *s = owner;
    if (s->update) {
        fprintf(s->out, "%s\n", line);
        return;
    }
    if (s->failed)
        return;
    while (s->at < s->count && strcmp(s->lines[s->at], "...") == 0) {
        s->skipping = true;
        s->at++;
    }
    if (s->at < s->count && strcmp(s->lines[s->at], line) == 0) {
        s->at++;
        s->skipping = false;
        return;
    }
    if (s->skipping)
        return;
    s->failed = true;
    fprintf(stderr, "%s: line %zu of the transcript differs\n  expected: %s\n  happened: %s\n",
            s->path, s->at + 1, s->at < s->count ? s->lines[s->at] : "the end", line);
}

static bool read_line(script *s, sim_plan *plan, const char *line)
{
    sim_fault fault;
    bool head = line[0] == '#' || line[0] == '\0';
    if (head && s->count == 0) {
        snprintf(s->head[s->head_count++], LINE_MAX_BYTES, "%s", line);
        return true;
    }
    if (head)
        return true;
    if (s->count == 0 && sim_head_parse(line, plan)) {
        snprintf(s->head[s->head_count++], LINE_MAX_BYTES, "%s", line);
        return true;
    }
    if (sim_fault_parse(line, &fault)) {
        if (plan->fault_count == SIM_FAULTS_MAX)
            return false;
        plan->faults[plan->fault_count++] = fault;
    } else if (line[0] != '[' && strcmp(line, "...") != 0) {
        return false;
    }
    snprintf(s->lines[s->count++], LINE_MAX_BYTES, "%s", line);
    return true;
}

static bool read_script(script *s, sim_plan *plan, FILE *file)
{
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, file) != NULL) {
        trim(line);
        if (s->count == LINES_MAX || s->head_count == LINES_MAX || !read_line(s, plan, line)) {
            fprintf(stderr, "%s: I can not read: %s\n", s->path, line);
            return false;
        }
    }
    return true;
}

static bool play(script *s, const sim_plan *plan)
{
    if (s->update) {
        s->out = fopen(s->path, "w");
        if (s->out == NULL)
            return false;
        for (size_t i = 0; i < s->head_count; i++)
            fprintf(s->out, "%s\n", s->head[i]);
    }
    sim_listener listener = {take_line, s};
    sim_report report = {0};
    sim_run(plan, &report, &listener);
    if (s->update)
        return fclose(s->out) == 0;
    while (s->at < s->count && strcmp(s->lines[s->at], "...") == 0)
        s->at++;
    if (!s->failed && s->at < s->count) {
        s->failed = true;
        fprintf(stderr, "%s: it never happened: %s\n", s->path, s->lines[s->at]);
    }
    return !s->failed;
}

int sim_scenario(const char *path, bool update)
{
    script s = {.path = path, .update = update};
    sim_plan plan;
    sim_plan_default(&plan);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    s.lines = calloc(LINES_MAX, sizeof *s.lines);
    s.head = calloc(LINES_MAX, sizeof *s.head);
    bool good = s.lines != NULL && s.head != NULL && read_script(&s, &plan, file);
    fclose(file);
    good = good && play(&s, &plan);
    free(s.lines);
    free(s.head);
    return good ? 0 : 1;
}
