/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * history_table.c - series for the terminal and as JSON: a row per cell with its picture, the changes below, and each
 * run where there is one series only or all are asked for. */
#include "reports/history.h"

#include "reports/fields.h"
#include "reports/format.h"
#include "reports/table_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURE_NARROW = 12, PICTURE_WIDE = 48 };
enum { ROW_NAME, ROW_RUNS, ROW_RATE, ROW_UNIT, ROW_RANGE, ROW_PICTURE };
enum { RUN_CREATED, RUN_RATE, RUN_RANGE, RUN_TRIALS, RUN_SPREAD, RUN_COMMIT, RUN_MARK };

/* How the courses of a machine are drawn. */
struct drawing {
    const struct course *list;
    size_t count;
    const char *idle; /* of all of them; NULL: said with each */
    size_t most;      /* signs of a picture */
    bool ascii, wide;
};

static bool is_of(const struct course *s, const struct course *machine)
{
    return strcmp(s->points[0].run->machine, machine->points[0].run->machine) == 0;
}

static const struct history_point *latest(const struct course *s)
{
    return &s->points[s->count - 1];
}

static void put_rate(struct grid *grid, size_t column, const struct history_cell *cell)
{
    char rate[FORMAT_SIZE], around[FORMAT_SIZE];
    format_rate(rate, cell->value);
    format_around(around, cell->value, cell->ci_low, cell->ci_high);
    grid_put(grid, column, GRID_PLAIN, "%s%s\t%s%s", rate, strchr(rate, ' ') ? "" : "  ", *around ? " " : "", around);
}

/* The one idle mode of all courses of a machine, NULL where there are several. */
static const char *idle_of(const struct course *list, size_t count, size_t first)
{
    const char *idle = latest(&list[first])->cell->idle;
    for (size_t i = first; i < count; i++)
        if (is_of(&list[i], &list[first]) && strcmp(latest(&list[i])->cell->idle, idle) != 0)
            return NULL;
    return idle;
}

/* By how much the highest of the runs in the picture lies above the lowest. */
static void put_range(struct grid *grid, const struct course *s, size_t most)
{
    double low = INFINITY, high = 0;
    for (size_t i = s->count > most ? s->count - most : 0; i < s->count; i++) {
        low = fmin(low, s->points[i].cell->value);
        high = fmax(high, s->points[i].cell->value);
    }
    if (s->count > 1)
        grid_put(grid, ROW_RANGE, GRID_FAINT, "%.*f%%", high / low < 1.0995 ? 1 : 0, 100 * (high / low - 1));
}

static void put_titles(struct grid *grid)
{
    grid_row(grid);
    grid_put(grid, ROW_RUNS, GRID_FAINT, "runs");
    grid_put(grid, ROW_RATE, GRID_FAINT, "latest/s");
    grid_put(grid, ROW_RANGE, GRID_FAINT, "range");
    grid_put(grid, ROW_PICTURE, GRID_FAINT, "course");
}

/* "counter/fork-pool", or all of the id where there is room, or another course of the machine has that name too. */
static void put_name(struct grid *grid, const struct course *s, const struct drawing *d)
{
    const char *id = latest(s)->cell->id, *idle = latest(s)->cell->idle;
    size_t length = strcspn(id, " "), same = 0;
    for (size_t i = 0; i < d->count; i++) {
        const char *other = latest(&d->list[i])->cell->id;
        same += is_of(&d->list[i], s) && strncmp(other, id, length) == 0 && strcspn(other, " ") == length;
    }
    grid_put(grid, ROW_NAME, GRID_PLAIN, "%.*s%s%s", d->wide || same > 1 ? (int)strlen(id) : (int)length, id,
             d->idle ? "" : ", idle ", d->idle ? "" : idle);
}

static int put_course(struct grid *grid, const struct course *s, const struct drawing *d)
{
    char *picture = course_picture(s, d->most, d->ascii);
    if (!picture)
        return -1;
    grid_row(grid);
    put_name(grid, s, d);
    grid_put(grid, ROW_RUNS, GRID_FAINT, "%zu", s->count);
    put_rate(grid, ROW_RATE, latest(s)->cell);
    if (d->wide)
        grid_put(grid, ROW_UNIT, GRID_FAINT, "%s", latest(s)->cell->unit);
    put_range(grid, s, d->most);
    grid_put(grid, ROW_PICTURE, s->change_count ? GRID_GOOD : GRID_PLAIN, "%s", picture);
    free(picture);
    return 0;
}

static void put_runs(struct grid *grid, const struct course *s)
{
    grid_row(grid);
    grid_put(grid, RUN_CREATED, GRID_FAINT, "measured");
    grid_put(grid, RUN_RATE, GRID_FAINT, "%s", s->points[0].cell->unit);
    grid_put(grid, RUN_RANGE, GRID_FAINT, "interval");
    grid_put(grid, RUN_TRIALS, GRID_FAINT, "trials");
    grid_put(grid, RUN_SPREAD, GRID_FAINT, "spread");
    grid_put(grid, RUN_COMMIT, GRID_FAINT, "commit");
    for (size_t i = 0, change = 0; i < s->count; i++) {
        const struct history_run *run = s->points[i].run;
        const struct history_cell *cell = s->points[i].cell;
        char text[FORMAT_SIZE];
        grid_row(grid);
        grid_put(grid, RUN_CREATED, GRID_PLAIN, "%.10s %.5s", run->created,
                 strlen(run->created) > 11 ? run->created + 11 : "");
        put_rate(grid, RUN_RATE, cell);
        grid_put(grid, RUN_RANGE, GRID_FAINT, "%s", format_rate_range(text, cell->value, cell->ci_low, cell->ci_high));
        grid_put(grid, RUN_TRIALS, GRID_FAINT, "%u", cell->trials);
        if (isfinite(cell->spread))
            grid_put(grid, RUN_SPREAD, GRID_FAINT, "%.1f%%", 100 * cell->spread);
        grid_put(grid, RUN_COMMIT, GRID_PLAIN, "%.20s", run->commit ? run->commit : "");
        if (change < s->change_count && s->changes[change].at == i) {
            grid_put(grid, RUN_MARK, GRID_GOOD, "%s", s->changes[change].sure ? "change" : "change?");
            change++;
        }
    }
}

static int write_changes(FILE *out, const struct course *s, const struct report_style *style)
{
    char said[512], line[TABLE_LINE];
    for (size_t i = 0; i < s->change_count; i++) {
        snprintf(line, sizeof line, "%s: %s", latest(s)->cell->id, course_change(said, sizeof said, s, i));
        if (table_note(out, style, line) != 0)
            return -1;
    }
    return 0;
}

static int write_runs(FILE *out, const struct course *s, const struct report_style *style)
{
    struct grid grid;
    fputc('\n', out);
    format_wrap(out, latest(s)->cell->id, style->columns, TABLE_INDENT);
    int result = grid_open(&grid, "lrrrrll");
    if (result == 0) {
        put_runs(&grid, s);
        result = grid_write(out, &grid, TABLE_INDENT, style->columns, style->colour);
    }
    grid_close(&grid);
    return result;
}

/* The series of the machine of list[first]. */
static int write_machine(FILE *out, const struct course *list, size_t count, size_t first,
                         const struct report_style *style, bool ascii)
{
    struct grid grid;
    char line[TABLE_LINE];
    bool wide = style->columns >= TABLE_WIDE;
    const struct drawing drawing = {.list = list,
                                    .count = count,
                                    .wide = wide,
                                    .idle = idle_of(list, count, first),
                                    .most = wide ? PICTURE_WIDE : PICTURE_NARROW,
                                    .ascii = ascii};
    snprintf(line, sizeof line, "machine %s%s%s", list[first].points[0].run->machine, drawing.idle ? " · idle: " : "",
             drawing.idle ? drawing.idle : "");
    format_wrap(out, line, style->columns, TABLE_INDENT);
    int result = grid_open(&grid, "lrrlrl");
    if (result == 0)
        put_titles(&grid);
    for (size_t i = first; i < count && result == 0; i++)
        if (is_of(&list[i], &list[first]))
            result = put_course(&grid, &list[i], &drawing);
    if (result == 0)
        result = grid_write(out, &grid, TABLE_INDENT, style->columns, style->colour);
    grid_close(&grid);
    for (size_t i = first; i < count && result == 0; i++)
        if (is_of(&list[i], &list[first]))
            result = write_changes(out, &list[i], style);
    for (size_t i = first; i < count && result == 0 && (count == 1 || style->long_form); i++)
        if (is_of(&list[i], &list[first]))
            result = write_runs(out, &list[i], style);
    return result;
}

int history_table(FILE *out, const struct course *list, size_t count, const struct report_style *asked, bool ascii)
{
    struct report_style style = *asked;
    bool changed = false;
    int result = 0;
    style.columns = style.columns ? style.columns : 80;
    for (size_t i = 0; i < count && result == 0; i++) {
        bool first = true;
        for (size_t k = 0; k < i && first; k++)
            first = !is_of(&list[k], &list[i]);
        changed |= list[i].change_count > 0;
        if (!first)
            continue;
        if (i > 0)
            fputc('\n', out);
        result = write_machine(out, list, count, i, &style, ascii);
    }
    if (changed && result == 0 && fputc('\n', out) != EOF)
        format_wrap(out,
                    "A change is where a level begins that no shuffling of the runs explains. It advises and decides "
                    "nothing: a machine changes too.",
                    style.columns, 0);
    return fflush(out) != 0 || ferror(out) ? -1 : result;
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static void put_real(json_t *object, const char *name, double value)
{
    if (isfinite(value))
        json_object_set_new(object, name, json_real(value));
}

static json_t *point_to_json(const struct history_point *p)
{
    json_t *object = json_object();
    json_object_set_new(object, "created", fields_text(p->run->created));
    if (p->run->commit)
        json_object_set_new(object, "commit", fields_text(p->run->commit));
    if (p->run->version)
        json_object_set_new(object, "version", fields_text(p->run->version));
    put_real(object, "value", p->cell->value);
    put_real(object, "ci_low", p->cell->ci_low);
    put_real(object, "ci_high", p->cell->ci_high);
    put_real(object, "spread", p->cell->spread);
    json_object_set_new(object, "trials", json_integer(p->cell->trials));
    return object;
}

static json_t *change_to_json(const struct course *s, size_t change)
{
    const struct change *c = &s->changes[change];
    const struct history_run *last = s->points[c->at - 1].run, *first = s->points[c->at].run;
    char said[512];
    json_t *object = json_object();
    json_object_set_new(object, "run", json_integer((json_int_t)c->at));
    json_object_set_new(object, "before", json_real(c->before));
    json_object_set_new(object, "after", json_real(c->after));
    json_object_set_new(object, "sure", json_boolean(c->sure));
    if (last->commit)
        json_object_set_new(object, "last_commit", fields_text(last->commit));
    if (first->commit)
        json_object_set_new(object, "first_commit", fields_text(first->commit));
    json_object_set_new(object, "words", fields_text(course_change(said, sizeof said, s, change)));
    return object;
}

static json_t *course_to_json(const struct course *s)
{
    json_t *object = json_object(), *runs = json_array(), *changes = json_array();
    const struct history_point *p = latest(s);
    for (size_t i = 0; i < s->count; i++)
        json_array_append_new(runs, point_to_json(&s->points[i]));
    for (size_t i = 0; i < s->change_count; i++)
        json_array_append_new(changes, change_to_json(s, i));
    json_object_set_new(object, "machine", fields_text(p->run->machine));
    json_object_set_new(object, "id", fields_text(p->cell->id));
    json_object_set_new(object, "idle", fields_text(p->cell->idle));
    json_object_set_new(object, "unit", fields_text(p->cell->unit));
    json_object_set_new(object, "better", fields_text(p->cell->better));
    json_object_set_new(object, "runs", runs);
    json_object_set_new(object, "changes", changes);
    return object;
}

char *history_to_json(const struct course *list, size_t count)
{
    json_t *document = json_object(), *all = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, course_to_json(&list[i]));
    json_object_set_new(document, "series", all);
    char *text = document ? fields_layout(document) : NULL;
    json_decref(document);
    return text;
}
