/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_conditions.c - everything that a second person needs to repeat the run, and what the cells mean.
 *
 * Only what is known is shown; an absent row says that the machine did not tell. */
#include "reports/html_page.h"
#include "reports/noise.h"

#include <math.h>
#include <string.h>

static void row(FILE *out, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    fputs("<tr>", out);
    html_row_head(out, name);
    html_cell(out, value);
    fputs("</tr>\n", out);
}

static void machine_rows(FILE *out, const struct host *host)
{
    char text[256];

    row(out, "CPU", host->cpu);
    snprintf(text, sizeof(text), "%u package%s, %u core%s, %u processing unit%s", host->packages,
             host->packages == 1 ? "" : "s", host->cores, host->cores == 1 ? "" : "s", host->pus,
             host->pus == 1 ? "" : "s");
    row(out, "allowed", text);
    row(out, "architecture", host->arch);
    snprintf(text, sizeof(text), "%.3g GiB", (double)host->memory_bytes / (1 << 30));
    row(out, "memory", host->memory_bytes ? text : NULL);
    row(out, "hypervisor", host->hypervisor);
    row(out, "kernel", host->kernel);
    row(out, "preemption", host->preemption);
    row(out, "system", host->os);
    row(out, "C library", host->libc);
    row(out, "clock source", host->clocksource);
    row(out, "frequency driver", host->cpufreq_driver);
    row(out, "governor", host->governor);
    row(out, "turbo", host->turbo);
    row(out, "SMT", host->smt);
    row(out, "idle driver", host->idle_driver);
    row(out, "transparent huge pages", host->thp);
    row(out, "address randomisation", host->aslr);
    row(out, "cgroup cpu.max", host->cgroup_cpu_max);
    row(out, "mitigations", host->mitigations);
    snprintf(text, sizeof(text), "%.2f, over the minute before", host->load_1min);
    row(out, "load at the start", isfinite(host->load_1min) ? text : NULL);
}

static void run_rows(FILE *out, const struct results *r)
{
    char text[512], number[FORMAT_SIZE], second[FORMAT_SIZE];
    double wake = rank_wake_ns(r, rank_idle(r));

    row(out, "measured", r->created);
    snprintf(text, sizeof(text), "%.100s%s%.100s", r->version ? r->version : "",
             r->commit && *r->commit ? ", commit " : "", r->commit ? r->commit : "");
    row(out, "muster", text);
    snprintf(text, sizeof(text), "%.200s %.280s", r->compiler ? r->compiler : "", r->cflags ? r->cflags : "");
    row(out, "compiler", r->compiler ? text : NULL);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)r->seed);
    row(out, "seed", text);
    snprintf(text, sizeof(text), "%u of %u blocks in %s%s", r->blocks_complete, r->blocks_planned,
             format_seconds(number, r->elapsed_s), r->interrupted ? "; ended early" : "");
    row(out, "effort", text);
    snprintf(text, sizeof(text), "%u windows of %s after %s of warm-up", r->windows,
             format_ns(number, r->window_s * 1e9), format_ns(second, r->warmup_s * 1e9));
    row(out, "a trial", text);
    row(out, "handicap", r->handicap != 0 ? format_handicap(text, r->handicap) : NULL);
    row(out, "idle CPUs", r->idle_note && *r->idle_note ? r->idle_note : rank_idle(r));
    snprintf(text, sizeof(text), "%.40s: the median around the trials", format_ns(number, wake));
    row(out, "waking an idle CPU", isfinite(wake) ? text : NULL);
    row(out, "noise", *noise_sentence(text, sizeof(text), r) ? text : NULL);
    row(out, "spoiled trials", *noise_spoiled_sentence(text, sizeof(text), r) ? text : NULL);
    row(out, "precision", rank_precision_sentence(text, sizeof(text), r));
}

static bool plain(const char *argument)
{
    return *argument && !argument[strspn(argument, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                                   "-_./,:=+@%")];
}

/* An argument as it is typed into a shell. */
static void write_argument(FILE *out, const char *argument)
{
    if (plain(argument)) {
        html_text(out, argument);
        return;
    }
    html_text(out, "'");
    for (; *argument; argument += strcspn(argument, "'")) {
        if (*argument == '\'') {
            html_text(out, "'\\''");
            argument++;
            continue;
        }
        html_printf(out, "%.*s", (int)strcspn(argument, "'"), argument);
    }
    html_text(out, "'");
}

/* Whether the command itself says the seed. */
static bool says_seed(const struct results *r)
{
    for (size_t i = 0; i < r->command_count; i++)
        if (r->command[i] && strncmp(r->command[i], "--seed", 6) == 0)
            return true;
    return false;
}

/* With the seed that the run had, and without its folder: that holds the run that is to be repeated. */
static void write_command(FILE *out, const struct results *r)
{
    if (r->command_count == 0)
        return;
    fputs("<p>To repeat it:</p>\n<pre>", out);
    for (size_t i = 0; i < r->command_count; i++) {
        const char *argument = r->command[i] ? r->command[i] : "";
        if (strcmp(argument, "-o") == 0 || strcmp(argument, "--output") == 0) {
            i++;
            continue;
        }
        if (strncmp(argument, "-o", 2) == 0 || strncmp(argument, "--output=", 9) == 0)
            continue;
        fputs(i ? " " : "", out);
        write_argument(out, argument);
    }
    if (!says_seed(r))
        fprintf(out, " --seed %llu", (unsigned long long)r->seed);
    fputs("</pre>\n", out);
}

enum { CLAUSES = 4 };

/* One table of the semantics: a row per strategy, four of its clauses. */
static void write_clauses(FILE *out, const struct results *r, const char *caption, const char *const *columns,
                          void (*pick)(const struct strategy_info *, const char *clauses[CLAUSES]))
{
    const char *clauses[CLAUSES];

    html_table_begin(out, "wrap", caption, columns);
    for (size_t i = 0; i < r->strategy_count; i++) {
        const struct strategy_info *s = &r->strategies[i];

        if (s->role == ROLE_YARDSTICK)
            continue;
        fputs("<tr>", out);
        html_row_head(out, s->name);
        pick(s, clauses);
        for (size_t k = 0; k < CLAUSES; k++)
            html_cell(out, clauses[k]);
        fputs("</tr>\n", out);
    }
    html_table_end(out);
}

static void pick_first(const struct strategy_info *s, const char *clauses[CLAUSES])
{
    const char *const first[CLAUSES] = {s->map, s->counter, s->list, s->visible};

    memcpy(clauses, first, sizeof(first));
}

static void pick_more(const struct strategy_info *s, const char *clauses[CLAUSES])
{
    const char *const more[CLAUSES] = {s->array, s->dict, s->lock, s->async};

    memcpy(clauses, more, sizeof(more));
}

static void write_semantics(FILE *out, const struct html_run *run)
{
    static const char *const first[] = {"strategy", "map", "counter", "list", "others see a write", NULL};
    static const char *const more[] = {"strategy", "array", "dict", "lock", "async", NULL};

    html_heading(out, run, 3, NULL, "What the cells mean");
    write_clauses(out, run->results,
                  "what each strategy does for an operation; every operation is acknowledged before it counts", first,
                  pick_first);
    write_clauses(out, run->results, "and for the other objects, and applied items", more, pick_more);
}

void html_conditions(FILE *out, const struct html_run *run)
{
    static const char *const columns[] = {"condition", "value", NULL};

    html_heading(out, run, 2, "conditions", "Conditions");
    write_command(out, run->results);
    html_table_begin(out, "wrap", "the run", columns);
    run_rows(out, run->results);
    html_table_end(out);
    html_table_begin(out, "wrap", "the machine", columns);
    machine_rows(out, &run->results->host);
    html_table_end(out);
    write_semantics(out, run);
}
