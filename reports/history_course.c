/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * history_course.c - the runs of a history, cell by cell: what belongs together, where it changed, how it looks in a
 * line.
 *
 * Together belong values of one cell on one machine, measured on the same terms: what differs there differs for a
 * reason that is not the code's. */
#include "reports/history.h"

#include "reports/format.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_number(double a, double b)
{
    return a == b || fabs(a - b) < 1e-9 || (isnan(a) && isnan(b));
}

static bool belongs(const struct course *s, const struct history_run *run, const struct history_cell *cell)
{
    const struct history_point *first = &s->points[0];
    return same_text(first->cell->id, cell->id) && same_text(first->cell->idle, cell->idle) &&
           same_text(first->cell->unit, cell->unit) && same_text(first->run->machine, run->machine) &&
           first->run->windows == run->windows && same_number(first->run->window_s, run->window_s) &&
           same_number(first->run->warmup_s, run->warmup_s);
}

/* "X" is all of X, "X:V" its variant V. */
static bool names(const char *wanted, const struct history_cell *cell)
{
    size_t length = strlen(cell->strategy);
    if (strncmp(wanted, cell->strategy, length) != 0)
        return false;
    return wanted[length] == '\0' || (wanted[length] == ':' && (strcmp(wanted + length + 1, "all") == 0 ||
                                                                strcmp(wanted + length + 1, cell->variant) == 0));
}

static bool is_wanted(const struct history_wanted *w, const struct history_run *run, const struct history_cell *cell)
{
    bool strategy = w->strategy_count == 0, workload = w->workload_count == 0;
    for (size_t i = 0; i < w->strategy_count; i++)
        strategy |= strcmp(w->strategies[i], "all") == 0 || names(w->strategies[i], cell);
    for (size_t i = 0; i < w->workload_count; i++)
        workload |= strcmp(w->workloads[i], "all") == 0 || strcmp(w->workloads[i], cell->workload) == 0;
    return strategy && workload && (!w->cell || strstr(cell->id, w->cell)) &&
           (!w->machine || strcmp(w->machine, run->machine) == 0);
}

static int add_point(struct course **list, size_t *count, const struct history_run *run,
                     const struct history_cell *cell)
{
    size_t at = 0;
    while (at < *count && !belongs(&(*list)[at], run, cell))
        at++;
    if (at == *count) {
        struct course *more = realloc(*list, (at + 1) * sizeof *more);
        if (!more)
            return -1;
        *list = more;
        more[at] = (struct course){.points = NULL};
        (*count)++;
    }
    struct course *s = &(*list)[at];
    struct history_point *points = realloc(s->points, (s->count + 1) * sizeof *points);
    if (!points) {
        if (s->count == 0)
            (*count)--; /* it is the last: nobody shall look at its first point */
        return -1;
    }
    s->points = points;
    points[s->count++] = (struct history_point){.run = run, .cell = cell};
    return 0;
}

static int find_changes(struct course *s, double margin)
{
    double *values = calloc(s->count, sizeof *values);
    if (!values)
        return -1;
    for (size_t i = 0; i < s->count; i++)
        values[i] = s->points[i].cell->value;
    int result = changes_find(values, s->count, margin, &s->changes, &s->change_count);
    free(values);
    return result;
}

int course_build(const struct history *h, const struct history_wanted *w, struct course **list, size_t *count)
{
    int result = 0;
    *list = NULL;
    *count = 0;
    for (size_t i = 0; i < h->count && result == 0; i++)
        for (size_t k = 0; k < h->runs[i].cell_count && result == 0; k++)
            if (is_wanted(w, &h->runs[i], &h->runs[i].cells[k]))
                result = add_point(list, count, &h->runs[i], &h->runs[i].cells[k]);
    for (size_t i = 0; i < *count && result == 0; i++)
        result = find_changes(&(*list)[i], w->margin);
    if (result != 0) {
        course_free(*list, *count);
        *list = NULL;
        *count = 0;
    }
    return result;
}

void course_free(struct course *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].points);
        free(list[i].changes);
    }
    free(list);
}

/* --- words ------------------------------------------------------------------------------------------------------- */

static bool change_at(const struct course *s, size_t at)
{
    for (size_t i = 0; i < s->change_count; i++)
        if (s->changes[i].at == at)
            return true;
    return false;
}

/* A range under a tenth of the middle is shown as such: noise shall not look like mountains. */
static void scale(const struct course *s, size_t from, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = from; i < s->count; i++) {
        double value = log(s->points[i].cell->value);
        *low = fmin(*low, value);
        *high = fmax(*high, value);
    }
    double least = log1p(0.1), middle = (*low + *high) / 2;
    if (*high - *low < least) {
        *low = middle - least / 2;
        *high = middle + least / 2;
    }
}

char *course_picture(const struct course *s, size_t most, bool ascii)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t from = s->count > most ? s->count - most : 0, size;
    char *text = NULL;
    double low, high;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    scale(s, from, &low, &high);
    for (size_t i = from; i < s->count; i++) {
        int level = (int)(8 * (log(s->points[i].cell->value) - low) / (high - low));
        level = level > 7 ? 7 : level < 0 ? 0 : level;
        if (i > from && change_at(s, i))
            fputc('|', out);
        if (ascii)
            fputc('1' + level, out);
        else
            fputs(blocks[level], out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static const char *commit_of(const struct history_run *run)
{
    return run->commit && *run->commit ? run->commit : "an unknown commit";
}

char *course_change(char *text, size_t size, const struct course *s, size_t change)
{
    const struct change *c = &s->changes[change];
    const struct history_point *last = &s->points[c->at - 1], *first = &s->points[c->at];
    double ratio = strcmp(first->cell->better, "lower") == 0 ? c->after / c->before : c->before / c->after;
    char before[FORMAT_SIZE], after[FORMAT_SIZE], where[160];
    if (same_text(last->run->commit, first->run->commit))
        snprintf(where, sizeof where, "with the same commit, %.40s", commit_of(first->run));
    else
        snprintf(where, sizeof where, "between %.40s and %.40s", commit_of(last->run), commit_of(first->run));
    snprintf(text, size, "%s by %.*f %% from %.10s on, %s: %s, then %s %s%s", ratio > 1 ? "slower" : "faster",
             fabs(ratio - 1) < 0.095 ? 1 : 0, 100 * fabs(ratio - 1), first->run->created, where,
             format_rate(before, c->before), format_rate(after, c->after), first->cell->unit,
             c->sure ? "" : "; too few runs to be sure");
    return text;
}
