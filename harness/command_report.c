/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_report.c - `muster report`: tables on stdout, and report.html in a folder, from results files.
 *
 * All files are read before anything is written, so that a wrong one leaves no half of a report. What is printed does
 * not wait for the page: a page that cannot be written costs the exit code, not the table. */
#include "harness/commands.h"
#include "harness/duet_retell.h"
#include "harness/folder.h"
#include "harness/options.h"
#include "harness/terminal.h"

#include "reports/contention.h"
#include "reports/csv.h"
#include "reports/html.h"
#include "reports/side.h"
#include "reports/table.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };

struct request {
    const char *folder; /* NULL: no page is written */
    bool contention, long_form;
    int format;
};

/* The runs that were read: `list` points into `runs`, as the writers want them. */
struct runs {
    struct results *runs;
    const struct results **list;
    size_t count;
};

static void runs_free(struct runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        results_free(&runs->runs[i]);
    free(runs->runs);
    free(runs->list);
}

static int runs_read(struct runs *runs, char **paths, size_t count, struct problem *problem)
{
    struct report_error error = {.code = 0};
    *runs = (struct runs){.runs = calloc(count, sizeof *runs->runs), .list = calloc(count, sizeof *runs->list)};
    if (!runs->runs || !runs->list) {
        problem_set(problem, EXIT_UNPROVED, "no memory for %zu results files", count);
        goto free_runs;
    }
    for (; runs->count < count; runs->count++) {
        if (results_read(&runs->runs[runs->count], paths[runs->count], &error)) {
            problem_set(problem, error.code, "%s", error.text);
            goto free_runs;
        }
        runs->list[runs->count] = &runs->runs[runs->count];
    }
    return 0;
free_runs:
    runs_free(runs);
    return -1;
}

static bool has(const char *folder, const char *name)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && access(path, F_OK) == 0;
}

/* The folder that a path names or lies in, without a slash at its end. */
static void folder_around(const char *path, char text[PATH_MAX])
{
    struct stat is;
    snprintf(text, PATH_MAX, "%s", path);
    if (stat(path, &is) == 0 && !S_ISDIR(is.st_mode)) {
        char *slash = strrchr(text, '/');
        if (!slash)
            strcpy(text, ".");
        else
            slash[slash == text] = '\0';
    }
    for (size_t length = strlen(text); length > 1 && text[length - 1] == '/'; length--)
        text[length - 1] = '\0';
}

/* The folder that the table may name, in `text`: one that holds both the results and the page; NULL when there is none.
 */
static const char *folder_of(const struct request *request, const char *path, char text[PATH_MAX])
{
    folder_around(request->folder ? request->folder : path, text);
    return has(text, "results.json") && has(text, "report.html") ? text : NULL;
}

/* An exit code; what is wrong, or missing in the page, is printed. */
static int write_page(const struct runs *runs, const char *folder)
{
    struct report_error error = {.code = 0};
    struct problem problem;
    if (folder_make(folder, &problem))
        return problem_print(&problem);
    html_write(runs->list, runs->count, folder, &error);
    if (error.text[0]) {
        problem_set(&problem, error.code, "%s", error.text);
        problem_print(&problem);
    }
    return error.code;
}

static int write_json(const struct results *run)
{
    char *text = results_to_json(run);
    int result = text && fputs(text, stdout) != EOF ? 0 : -1;
    free(text);
    return result;
}

static int write_contention(const struct runs *runs, const struct report_style *style)
{
    for (size_t i = 0; i < runs->count; i++) {
        if (i > 0)
            putchar('\n');
        if (contention_write(stdout, runs->list[i], style))
            return -1;
    }
    return 0;
}

/* 0, or -1 with errno set. */
static int write_text(const struct request *request, const struct runs *runs, const char *folder)
{
    struct report_style style = terminal_style(request->long_form, folder);
    if (request->format == FORMAT_CSV)
        return csv_write(stdout, runs->list[0]);
    if (request->format == FORMAT_JSON)
        return write_json(runs->list[0]);
    if (request->contention)
        return write_contention(runs, &style);
    if (runs->count > 1)
        return side_write(stdout, runs->list, runs->count, &style);
    return table_write(stdout, runs->list[0], &style);
}

static int report(const struct request *request, const struct runs *runs, const char *path)
{
    char text[PATH_MAX];
    const char *folder;
    int code = EXIT_FINE;
    struct problem problem;
    if (request->folder)
        code = write_page(runs, request->folder);
    folder = runs->count == 1 ? folder_of(request, path, text) : NULL;
    errno = 0;
    if (write_text(request, runs, folder) == 0 || ferror(stdout)) {
        /* A write error stays in stdout, where main() looks for it. */
        if (request->folder && !folder && code == EXIT_FINE)
            fprintf(stderr, "muster: the report is %s/report.html\n", request->folder);
        return code;
    }
    problem_set(&problem, EXIT_UNPROVED, "the report cannot be made: %s", strerror(errno ? errno : ENOMEM));
    return problem_print(&problem);
}

static int request_parse(struct request *request, int argc, char **argv, struct problem *problem)
{
    static const char *const formats[] = {[FORMAT_TABLE] = "table", [FORMAT_CSV] = "csv", [FORMAT_JSON] = "json", NULL};
    const struct option_spec options[] = {
        {.name = "output",
         .letter = 'o',
         .argument = "DIR",
         .help = "also write report.html and its pictures there; it is made if it is not there",
         .parse = options_text,
         .target = &request->folder},
        {.name = "contention",
         .help = "why each cell is as slow as it is: speed-up, lost time, CPU time, switches, fairness",
         .parse = options_flag,
         .target = &request->contention},
        {.name = "long",
         .letter = 'l',
         .help = "a row per cell, all of its figures",
         .parse = options_flag,
         .target = &request->long_form},
        {.name = "format",
         .argument = "FORMAT",
         .help = "table, csv or json, on stdout",
         .preset = "table",
         .parse = options_choice,
         .target = &request->format,
         .choices = formats},
        {.name = NULL},
    };
    const struct command_spec spec = {
        .name = "report",
        .summary =
            "Reports one or more results files; several are several machines, side by side. A FILE that is a "
            "folder means the results.json in it; a duet (duet.json, or its folder) has its table printed once more.",
        .operands = "FILE...",
        .options = options,
    };
    return options_parse(&spec, argc, argv, problem);
}

/* What does not go together. */
static int request_check(const struct request *request, size_t files, struct problem *problem)
{
    if (files == 0)
        return problem_set(problem, EXIT_USAGE,
                           "muster report needs a results file, or the folder of one; see muster report --help");
    if (request->format != FORMAT_TABLE && files > 1)
        return problem_set(problem, EXIT_USAGE, "--format csv and json take one results file, not %zu", files);
    if (request->format != FORMAT_TABLE && request->contention)
        return problem_set(problem, EXIT_USAGE, "--contention is a table; csv and json hold its figures already");
    return 0;
}

static int request_check_duet(const struct request *request, const char *path, struct problem *problem)
{
    if (request->folder || request->contention || request->format == FORMAT_CSV)
        return problem_set(problem, EXIT_USAGE,
                           "%s is a duet: it has a table and --format json, but no page, no csv and no --contention",
                           path);
    return 0;
}

int command_report(int argc, char **argv)
{
    struct request request = {.format = FORMAT_TABLE};
    struct problem problem;
    struct runs runs;
    int code, first = request_parse(&request, argc, argv, &problem);
    if (first == 0)
        return EXIT_FINE;
    const bool of_duet = first > 0 && argc - first == 1 && duet_is_at(argv[first]);
    if (first < 0 || request_check(&request, (size_t)(argc - first), &problem) ||
        (of_duet && request_check_duet(&request, argv[first], &problem)) ||
        (!of_duet && runs_read(&runs, argv + first, (size_t)(argc - first), &problem)))
        return problem_print(&problem);
    if (of_duet) {
        code = duet_retell(argv[first], request.format == FORMAT_JSON, &problem);
        return code == EXIT_FINE ? code : problem_print(&problem);
    }
    code = report(&request, &runs, argv[first]);
    runs_free(&runs);
    return code;
}
