/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_retell.c - judges the pairs of duet.json again, by what verdict.json says it was judged by.
 *
 * Of verdict.json only what was asked for is taken, margin and floors, and what was seen beside: the verdicts are those
 * that the pairs give. */
#include "harness/duet_retell.h"

#include "harness/duet_judge.h"
#include "harness/terminal.h"
#include "reports/fields.h"

#include <errno.h>
#include <gsl/gsl_errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat is;
    return stat(path, &is) == 0 && S_ISDIR(is.st_mode);
}

static const char *last_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A file of that name in the duet's folder. */
static bool beside(char text[PATH_MAX], const char *path, const char *name)
{
    int length;
    if (is_folder(path))
        length = snprintf(text, PATH_MAX, "%s/%s", path, name);
    else
        length = snprintf(text, PATH_MAX, "%.*s%s", (int)(last_of(path) - path), path, name);
    return length > 0 && length < PATH_MAX && access(text, F_OK) == 0;
}

bool duet_is_at(const char *path)
{
    char text[PATH_MAX];
    if (!is_folder(path))
        return strcmp(last_of(path), "duet.json") == 0;
    return !beside(text, path, "results.json") && beside(text, path, "duet.json");
}

/* What is lent to the judgement. */
struct retold {
    struct duet duet;
    struct duet_judged judged;
    struct criteria criteria;
    double *floors;
    json_t *verdict; /* NULL: there is none */
    const char **notes;
};

static int refuse(struct problem *problem, const char *file, const char *what)
{
    return problem_set(problem, EXIT_BAD_FILE, "%s: %s", file, what);
}

static int take_floor(struct retold *r, const char *file, const json_t *finding, struct problem *problem)
{
    const char *id = json_string_value(json_object_get(finding, "id"));
    const json_t *floor = json_object_get(finding, "floor");
    for (size_t i = 0; id && i < r->duet.about.cell_count; i++)
        if (strcmp(r->duet.about.cells[i].id, id) == 0) {
            r->floors[i] = floor ? json_number_value(floor) : NAN;
            return floor && !(r->floors[i] >= 0) ? refuse(problem, file, "a floor is no share") : 0;
        }
    return refuse(problem, file, "its findings are not of the cells of this duet");
}

static int take_terms(struct retold *r, const char *file, struct problem *problem)
{
    const json_t *margin = json_object_get(json_object_get(r->verdict, "criteria"), "margin");
    const json_t *findings = json_object_get(r->verdict, "findings"), *notes = json_object_get(r->verdict, "notes");
    const char *schema = json_string_value(json_object_get(r->verdict, "schema"));
    if (!schema || strcmp(schema, VERDICT_SCHEMA) != 0)
        return refuse(problem, file, "it is no " VERDICT_SCHEMA);
    if (!(json_number_value(margin) >= MARGIN_LEAST && json_number_value(margin) <= 1))
        return refuse(problem, file, "criteria.margin: a share is expected");
    r->criteria.margin = json_number_value(margin);
    for (size_t i = 0; i < json_array_size(findings); i++)
        if (take_floor(r, file, json_array_get(findings, i), problem))
            return -1;
    r->notes = calloc(json_array_size(notes) + 1, sizeof *r->notes);
    if (!r->notes)
        return problem_set(problem, EXIT_UNPROVED, "no memory for the notes");
    for (size_t i = 0; i < json_array_size(notes); i++) {
        r->notes[i] = json_string_value(json_array_get(notes, i));
        if (!r->notes[i])
            return refuse(problem, file, "notes: texts are expected");
    }
    return 0;
}

static int read_all(struct retold *r, const char *path, struct problem *problem)
{
    char file[PATH_MAX];
    struct report_error error;
    json_error_t parsing;
    r->criteria = criteria_default;
    r->criteria.margin = MARGIN_DEFAULT;
    if (duet_read(&r->duet, path, &error))
        return problem_set(problem, error.code, "%s", error.text);
    r->floors = calloc(r->duet.about.cell_count + 1, sizeof *r->floors);
    if (!r->floors)
        return problem_set(problem, EXIT_UNPROVED, "no memory for the floors");
    for (size_t i = 0; i < r->duet.about.cell_count; i++)
        r->floors[i] = NAN;
    if (!beside(file, path, "verdict.json"))
        return 0;
    r->verdict = json_load_file(file, JSON_REJECT_DUPLICATES, &parsing);
    return r->verdict ? take_terms(r, file, problem) : refuse(problem, file, parsing.text);
}

static int print(const struct retold *r, bool json, struct problem *problem)
{
    const struct report_style style = terminal_style(false, NULL);
    int bad;
    errno = 0;
    if (json) {
        json_t *object = verdict_to_json(&r->judged.judgement);
        char *text = object ? fields_layout(object) : NULL;
        bad = !text || fputs(text, stdout) == EOF ? -1 : 0;
        free(text);
        json_decref(object);
    } else
        bad = verdict_print(stdout, &r->judged.judgement, &style);
    /* A write error stays in stdout, where main() looks for it. */
    if (!bad || ferror(stdout))
        return EXIT_FINE;
    problem_set(problem, EXIT_UNPROVED, "the duet cannot be shown: %s", strerror(errno ? errno : ENOMEM));
    return problem->code;
}

int duet_retell(const char *path, bool json, struct problem *problem)
{
    struct retold r = {.verdict = NULL};
    gsl_set_error_handler_off();
    int code = read_all(&r, path, problem) ? problem->code : EXIT_FINE;
    if (code == EXIT_FINE)
        code = duet_judge_recorded(&r.judged, &r.duet, &r.criteria, r.floors, problem);
    if (code == EXIT_FINE || code == EXIT_INTERRUPTED) {
        r.judged.judgement.notes = r.notes;
        code = print(&r, json, problem);
    }
    duet_judged_free(&r.judged);
    duet_free(&r.duet);
    free(r.floors);
    free(r.notes);
    json_decref(r.verdict);
    return code;
}
