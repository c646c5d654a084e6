/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * history.c - the file: a table of its fields, reading all lines, appending one.
 *
 * A line is written at once and under a lock, so that two runs that end together stay apart. Where the last line has no
 * end its writer died; the next writer ends it, and readers pass over it. */
#include "reports/history.h"

#include "reports/fingerprint.h"
#include "reports/results_fields.h"
#include "reports/statistics.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct field cell_list[] = {
    {"id", FIELD_TEXT, true, AT(history_cell, id)},
    {"workload", FIELD_TEXT, true, AT(history_cell, workload)},
    {"strategy", FIELD_TEXT, true, AT(history_cell, strategy)},
    {"variant", FIELD_TEXT, true, AT(history_cell, variant)},
    {"idle", FIELD_TEXT, true, AT(history_cell, idle)},
    {"unit", FIELD_TEXT, true, AT(history_cell, unit)},
    {"better", FIELD_TEXT, true, AT(history_cell, better)},
    {"value", FIELD_REAL, true, AT(history_cell, value)},
    {"ci_low", FIELD_REAL, AT(history_cell, ci_low)},
    {"ci_high", FIELD_REAL, AT(history_cell, ci_high)},
    {"trials", FIELD_UNSIGNED, true, AT(history_cell, trials)},
    {"spread", FIELD_REAL, AT(history_cell, spread)},
    {.name = NULL},
};

static int check_cell(void *base, char *why, size_t size)
{
    const struct history_cell *cell = base;
    if (cell->value > 0)
        return 0;
    snprintf(why, size, "its value is not positive");
    return -1;
}

static const struct fields history_cell_fields = {cell_list, sizeof(struct history_cell), .check = check_cell};

static json_t *derive_schema(const void *document, const void *base)
{
    (void)document, (void)base;
    return json_string(HISTORY_SCHEMA);
}

static const struct field run_list[] = {
    {"schema", FIELD_DERIVED, .derive = derive_schema},
    {"created", FIELD_TEXT, true, AT(history_run, created)},
    {"version", FIELD_TEXT, AT(history_run, version)},
    {"commit", FIELD_TEXT, AT(history_run, commit)},
    {"seed", FIELD_COUNT, true, AT(history_run, seed)},
    {"elapsed_s", FIELD_REAL, AT(history_run, elapsed_s)},
    {"blocks", FIELD_UNSIGNED, true, AT(history_run, blocks)},
    {"windows", FIELD_UNSIGNED, AT(history_run, windows)},
    {"window_s", FIELD_REAL, AT(history_run, window_s)},
    {"warmup_s", FIELD_REAL, AT(history_run, warmup_s)},
    {"host", FIELD_OBJECT, true, AT(history_run, host), .below = &host_fields},
    {"cells", FIELD_OBJECTS, true, COUNTED(history_run, cells, cell_count), .below = &history_cell_fields},
    {.name = NULL},
};
static const struct fields run_fields = {run_list, sizeof(struct history_run)};
static const struct document run_document = {HISTORY_SCHEMA, "line of a history", HISTORY_FILE, &run_fields};

/* --- reading ----------------------------------------------------------------------------------------------------- */

static int failed(struct report_error *error, int code, const char *path, const char *what)
{
    error->code = code;
    snprintf(error->text, sizeof error->text, "%.300s: %s: %s", path, what, strerror(errno));
    return -1;
}

static int compare_runs(const void *left, const void *right)
{
    const struct history_run *a = left, *b = right;
    int order = strcmp(a->created, b->created);
    return order ? order : (a->seed > b->seed) - (a->seed < b->seed);
}

static int read_run(struct history *h, const char *path, size_t line, const char *text, size_t length,
                    struct report_error *error)
{
    struct history_run *more = realloc(h->runs, (h->count + 1) * sizeof *more);
    if (!more)
        return failed(error, 66, path, "cannot be read");
    h->runs = more;
    int result = document_read_line(&run_document, path, line, text, length, &more[h->count], error);
    if (result < 0)
        return -1;
    if (result > 0) {
        h->torn++;
        h->torn_line = line;
        return 0;
    }
    fingerprint_name(more[h->count].machine, HISTORY_MACHINE, &more[h->count].host);
    h->count++;
    return 0;
}

static int read_lines(struct history *h, FILE *file, const char *path, struct report_error *error)
{
    char *text = NULL;
    size_t room = 0, line = 0;
    int result = 0;
    errno = 0;
    for (ssize_t length; result == 0 && (length = getline(&text, &room, file)) >= 0;) {
        line++;
        if (strspn(text, " \t\r\n") < (size_t)length)
            result = read_run(h, path, line, text, (size_t)length, error);
    }
    if (result == 0 && ferror(file))
        result = failed(error, 66, path, "cannot be read");
    free(text);
    return result;
}

int history_read(struct history *h, const char *folder, struct report_error *error)
{
    char *path;
    int result = -1;
    *h = (struct history){.runs = NULL};
    if (asprintf(&path, "%s/%s", folder, HISTORY_FILE) < 0)
        return failed(error, 66, folder, "cannot be read");
    FILE *file = fopen(path, "re");
    if (file) {
        result = read_lines(h, file, path, error);
        fclose(file);
    } else if (errno == ENOENT) {
        result = 0;
    } else {
        failed(error, 66, path, "cannot be opened");
    }
    if (result == 0 && h->count)
        qsort(h->runs, h->count, sizeof *h->runs, compare_runs);
    if (result != 0)
        history_free(h);
    free(path);
    return result;
}

void history_free(struct history *h)
{
    for (size_t i = 0; i < h->count; i++)
        fields_free(&run_fields, &h->runs[i]);
    free(h->runs);
    *h = (struct history){.runs = NULL};
}

bool history_has(const struct history *h, const struct results *r)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->runs[i].seed == r->seed && r->created && strcmp(h->runs[i].created, r->created) == 0)
            return true;
    return false;
}

/* --- appending --------------------------------------------------------------------------------------------------- */

static double spread_of(const struct cell *cell)
{
    double spread = NAN, *logs = calloc(cell->trial_count + 1, sizeof *logs);
    for (size_t i = 0; logs && i < cell->trial_count; i++)
        logs[i] = cell->trials[i].value > 0 ? log(cell->trials[i].value) : NAN;
    if (logs && cell->trial_count >= 3) {
        double middle = statistics_median(logs, cell->trial_count);
        for (size_t i = 0; i < cell->trial_count; i++)
            logs[i] = fabs(logs[i] - middle);
        spread = 1.4826 * statistics_median(logs, cell->trial_count);
    }
    free(logs);
    return spread;
}

static struct history_cell cell_of(const struct cell *cell)
{
    return (struct history_cell){.id = cell->id,
                                 .workload = cell->workload,
                                 .strategy = cell->strategy,
                                 .variant = cell->variant,
                                 .idle = cell->idle,
                                 .unit = cell->unit,
                                 .better = cell->better,
                                 .value = cell->value,
                                 .ci_low = cell->ci_low,
                                 .ci_high = cell->ci_high,
                                 .trials = (unsigned)cell->trial_count,
                                 .spread = spread_of(cell)};
}

/* The line with its end, to be freed; NULL when memory is short. */
static char *line_of(const struct results *r)
{
    struct history_run run = {.created = r->created,
                              .version = r->version,
                              .commit = r->commit,
                              .seed = r->seed,
                              .elapsed_s = r->elapsed_s,
                              .blocks = r->blocks_complete,
                              .windows = r->windows,
                              .window_s = r->window_s,
                              .warmup_s = r->warmup_s,
                              .host = r->host};
    char *text = NULL, *line = NULL;
    run.cells = calloc(r->cell_count + 1, sizeof *run.cells);
    for (size_t i = 0; run.cells && i < r->cell_count; i++)
        if (r->cells[i].status == CELL_OK && r->cells[i].value > 0)
            run.cells[run.cell_count++] = cell_of(&r->cells[i]);
    json_t *json = run.cells ? fields_to_json(&run_fields, &run, &run) : NULL;
    if (json)
        text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12));
    if (text && asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    json_decref(json);
    free(text);
    free(run.cells);
    return line;
}

/* Whether the file's last line has no end. */
static bool is_torn(int file, off_t size)
{
    char last;
    return size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n';
}

/* What was written of a line that did not fit is taken back, under the same lock. */
static int write_line(int file, const char *line)
{
    struct stat before;
    if (flock(file, LOCK_EX) != 0 || fstat(file, &before) != 0)
        return -1;
    const char *start = is_torn(file, before.st_size) ? "\n" : "";
    char *whole;
    if (asprintf(&whole, "%s%s", start, line) < 0)
        return -1;
    size_t length = strlen(whole);
    errno = ENOSPC;
    ssize_t written = write(file, whole, length);
    int saved = errno;
    free(whole);
    if (written == (ssize_t)length && fsync(file) == 0)
        return 0;
    if (written == (ssize_t)length)
        saved = errno;
    if (ftruncate(file, before.st_size) != 0)
        saved = errno;
    errno = saved;
    return -1;
}

int history_append(const char *folder, const struct results *r, struct report_error *error)
{
    char *path, *line = line_of(r);
    int result = -1;
    if (asprintf(&path, "%s/%s", folder, HISTORY_FILE) < 0)
        path = NULL;
    errno = ENOMEM;
    int file = line && path ? open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (file >= 0)
        result = write_line(file, line);
    if (result != 0)
        failed(error, 73, path ? path : folder, "cannot be written");
    if (file >= 0)
        close(file);
    free(path);
    free(line);
    return result;
}
