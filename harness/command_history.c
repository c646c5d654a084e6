/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_history.c - `muster history`: what runs that were kept measured on this machine over time, and where a level
 * changed. It advises: its exit code never says that something became slower. */
#include "harness/commands.h"
#include "harness/folder.h"
#include "harness/host.h"
#include "harness/options.h"
#include "harness/records.h"
#include "harness/suggest.h"
#include "harness/terminal.h"
#include "harness/topology.h"
#include "harness/units.h"

#include "bench/registry.h"

#include "reports/fingerprint.h"
#include "reports/history.h"

#include <errno.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum format { FORMAT_TABLE, FORMAT_JSON };

#define MARGIN 0.02

struct request {
    const char *records, *cell, *machine, *folder;
    struct text_list strategies, workloads;
    double margin;
    bool add, long_form;
    int format;
};

static const char *const formats[] = {[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", NULL};

/* A process has one command line; the table needs its addresses. */
static struct request asked = {.margin = MARGIN};

/* clang-format off */
#define OPTION(long_name, short_letter, what, how, where, text, shown)                                                 \
    .name = long_name, .letter = short_letter, .argument = what, .parse = how, .target = &asked.where, .help = text,   \
    .preset = shown

static const struct option_spec options[] = {
    {OPTION("records", 0, "DIR", options_text, records, "where runs are kept", "$MUSTER_RECORDS, else ~/.local/state/muster")},
    {OPTION("add", 0, NULL, options_flag, add, "add earlier runs: each FILE is a results file, or its folder; one that is there already is not added again", NULL)},
    {OPTION("strategy", 's', "LIST", options_list, strategies, "of these strategies: X, X:VARIANT or all", "all")},
    {OPTION("workload", 'w', "LIST", options_list, workloads, "of these workloads", "all")},
    {OPTION("cell", 0, "TEXT", options_text, cell, "cells with TEXT in their name", NULL)},
    {OPTION("machine", 0, "NAME", options_text, machine, "of that machine, as the list names it, or all", "this one")},
    {OPTION("margin", 0, "PCT", options_percent, margin, "the least change of a level that is told", "2%"), .min = UNITS_PERCENT / 10, .max = 100 * UNITS_PERCENT},
    {OPTION("long", 'l', NULL, options_flag, long_form, "each run of each cell; of one cell they are shown in any case", NULL)},
    {OPTION("output", 'o', "DIR", options_text, folder, "also write history.html and its pictures there; it is made if it is not there", NULL)},
    {OPTION("format", 0, "FORMAT", options_choice, format, "of standard output: table or json", "table"), .choices = formats},
    {.name = NULL},
};
/* clang-format on */

static const struct command_spec spec = {
    .name = "history",
    .summary = "Lists what runs that were kept (muster run --keep) measured on this machine, cell by cell, and where a "
               "level changed.",
    .operands = "[FILE...]",
    .options = options,
    .notes = "Changes are told for information: the exit code is 0 whatever they are.\n"
             "A course shows the latest runs from the lowest of them to the highest, which lies\n"
             "by `range` above it; where that is under 10 %, its height stands for 10 %.\n",
};

static int request_parse(struct request *request, int argc, char **argv, struct problem *problem)
{
    int first = options_parse(&spec, argc, argv, problem);
    *request = asked;
    if (first > 0 && request->add && first == argc)
        return problem_set(problem, EXIT_USAGE, "--add wants results files, or their folders");
    if (first > 0 && !request->add && first < argc)
        return problem_set(problem, EXIT_USAGE, "'%s' is a file to add: say --add", argv[first]);
    return first;
}

/* --- adding ------------------------------------------------------------------------------------------------------ */

/* 1 when it was added, 0 when it was there, -1 with *problem. */
static int add_file(const char *folder, const char *path, struct problem *problem)
{
    struct report_error error;
    struct history history;
    struct results results;
    int added = -1;
    if (results_read(&results, path, &error))
        return problem_set(problem, error.code, "%s", error.text);
    if (history_read(&history, folder, &error)) {
        problem_set(problem, error.code, "%s", error.text);
        goto free_results;
    }
    if (results.handicap != 0)
        problem_set(problem, EXIT_BAD_FILE, "%s: its times were stretched by --handicap: that is no history", path);
    else if (history_has(&history, &results))
        added = 0;
    else if (history_append(folder, &results, &error))
        problem_set(problem, error.code, "%s", error.text);
    else
        added = 1;
    history_free(&history);
free_results:
    results_free(&results);
    return added;
}

static int add_files(const char *folder, char **paths, int count, struct problem *problem)
{
    int added = 0;
    if (folder_make(folder, problem))
        return -1;
    for (int i = 0; i < count; i++) {
        int one = add_file(folder, paths[i], problem);
        if (one < 0)
            return -1;
        added += one;
    }
    fprintf(stderr, "muster: %d run%s added to %s/%s", added, added == 1 ? "" : "s", folder, HISTORY_FILE);
    if (added < count)
        fprintf(stderr, ", %d %s there already", count - added, count - added == 1 ? "was" : "were");
    fputc('\n', stderr);
    return 0;
}

/* --- listing ----------------------------------------------------------------------------------------------------- */

static int name_this(char name[HISTORY_MACHINE], struct problem *problem)
{
    struct results here = {.host = {.name = NULL}};
    struct topology *topology = NULL;
    int result = topology_open_system(&topology, problem);
    if (result == 0)
        result = host_read(&here.host, topology, problem);
    if (result == 0)
        fingerprint_name(name, HISTORY_MACHINE, &here.host);
    topology_close(topology);
    results_free(&here);
    return result;
}

/* Block elements are shown where the locale has them. */
static bool is_ascii(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG", NULL};
    for (const char *const *name = variables; *name; name++) {
        const char *value = getenv(*name);
        if (value && *value)
            return !strcasestr(value, "utf-8") && !strcasestr(value, "utf8");
    }
    return true;
}

/* The machines of the history, each once, as "a, b and c". */
static void say_machines(const struct history *history)
{
    size_t said = 0;
    for (size_t i = 0; i < history->count; i++) {
        size_t before = 0;
        while (before < i && strcmp(history->runs[before].machine, history->runs[i].machine) != 0)
            before++;
        if (before == i)
            fprintf(stderr, "%s%s", said++ ? ", " : "", history->runs[i].machine);
    }
}

static bool is_known(const char *name, bool strategy)
{
    return strcmp(name, "all") == 0 || (strategy ? (const void *)strategy_find(name) : workload_find(name));
}

/* The names that this build knows, and those of runs that another one kept. True when `name` is among them. */
static bool offer_names(const struct history *history, bool strategy, struct suggestion *suggestion)
{
    bool found = is_known(suggestion->wrong, strategy);
    for (size_t i = 0; strategy && strategies[i]; i++)
        suggest_offer(suggestion, strategies[i]->name);
    for (size_t i = 0; !strategy && workloads[i]; i++)
        suggest_offer(suggestion, workloads[i]->name);
    for (size_t i = 0; i < history->count && !found; i++)
        for (size_t k = 0; k < history->runs[i].cell_count && !found; k++) {
            const struct history_cell *cell = &history->runs[i].cells[k];
            found = strcmp(strategy ? cell->strategy : cell->workload, suggestion->wrong) == 0;
            suggest_offer(suggestion, strategy ? cell->strategy : cell->workload);
        }
    return found;
}

static int check_names(const struct text_list *wanted, const struct history *history, bool strategy,
                       struct problem *problem)
{
    int result = 0;
    for (size_t i = 0; i < wanted->count && result == 0; i++) {
        char *name = strndup(wanted->items[i], strategy ? strcspn(wanted->items[i], ":") : strlen(wanted->items[i]));
        struct suggestion suggestion = {.wrong = name};
        if (!name)
            result = problem_set(problem, EXIT_UNPROVED, "no memory for a name");
        else if (!offer_names(history, strategy, &suggestion))
            result = problem_set(problem, EXIT_USAGE, "unknown %s '%s'%s", strategy ? "strategy" : "workload", name,
                                 suggest_clause(&suggestion));
        free(name);
    }
    return result;
}

static void say_nothing(const struct request *r, const struct history *history, const char *folder)
{
    if (history->count == 0)
        fprintf(stderr, "muster: %s/%s holds no run yet: muster run --keep, or muster history --add FILE\n", folder,
                HISTORY_FILE);
    else {
        fprintf(stderr, "muster: %s/%s holds %zu run%s, but none of %s with such cells%s", folder, HISTORY_FILE,
                history->count, history->count == 1 ? "" : "s", r->machine ? "that machine" : "this machine",
                r->machine ? "; there are: " : "; see --machine all");
        if (r->machine)
            say_machines(history);
        fputc('\n', stderr);
    }
}

static int write_page(const struct request *r, const struct course *list, size_t count, struct problem *problem)
{
    struct report_error error;
    if (!r->folder)
        return 0;
    if (folder_make(r->folder, problem))
        return -1;
    if (history_page(list, count, r->folder, &error))
        return problem_set(problem, error.code, "%s", error.text);
    if (error.text[0])
        fprintf(stderr, "muster: %s\n", error.text);
    return 0;
}

static int write_text(const struct request *r, const struct course *list, size_t count)
{
    const struct report_style style = terminal_style(r->long_form, NULL);
    if (r->format == FORMAT_TABLE)
        return history_table(stdout, list, count, &style, is_ascii());
    char *text = history_to_json(list, count);
    int result = text && printf("%s\n", text) >= 0 ? 0 : -1;
    free(text);
    return result;
}

static int show(const struct request *r, const struct history *history, const char *machine, const char *folder,
                struct problem *problem)
{
    const struct history_wanted wanted = {.machine = machine,
                                          .cell = r->cell,
                                          .strategies = r->strategies.items,
                                          .workloads = r->workloads.items,
                                          .strategy_count = r->strategies.count,
                                          .workload_count = r->workloads.count,
                                          .margin = r->margin};
    struct course *list;
    size_t count;
    if (check_names(&r->strategies, history, true, problem) || check_names(&r->workloads, history, false, problem))
        return -1;
    if (course_build(history, &wanted, &list, &count))
        return problem_set(problem, EXIT_UNPROVED, "no memory for the history");
    if (count == 0)
        say_nothing(r, history, folder);
    errno = 0;
    int result = write_page(r, list, count, problem);
    /* A write error stays in stdout, where main() looks for it. */
    if (result == 0 && write_text(r, list, count) && !ferror(stdout))
        result =
            problem_set(problem, EXIT_UNPROVED, "the history cannot be shown: %s", strerror(errno ? errno : ENOMEM));
    course_free(list, count);
    return result;
}

static int list_runs(const struct request *r, const char *folder, struct problem *problem)
{
    char name[HISTORY_MACHINE];
    const char *machine = r->machine && strcmp(r->machine, "all") == 0 ? NULL : r->machine ? r->machine : name;
    struct report_error error;
    struct history history;
    if (machine == name && name_this(name, problem))
        return -1;
    if (history_read(&history, folder, &error))
        return problem_set(problem, error.code, "%s", error.text);
    if (history.torn)
        fprintf(stderr,
                "muster: %s/%s: %zu line%s cut off by a writer that died, the last of them line %zu: passed over\n",
                folder, HISTORY_FILE, history.torn, history.torn == 1 ? " was" : "s were", history.torn_line);
    int result = show(r, &history, machine, folder, problem);
    history_free(&history);
    return result;
}

int command_history(int argc, char **argv)
{
    struct request request;
    struct problem problem;
    char *folder = NULL;
    gsl_set_error_handler_off();
    int result, first = request_parse(&request, argc, argv, &problem);
    result = first < 0 ? -1 : 0;
    if (first > 0) {
        folder = records_folder(request.records, &problem);
        result = !folder       ? -1
                 : request.add ? add_files(folder, argv + first, argc - first, &problem)
                               : list_runs(&request, folder, &problem);
    }
    free(folder);
    text_list_free(&request.strategies);
    text_list_free(&request.workloads);
    return result == 0 ? EXIT_FINE : problem_print(&problem);
}
