/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calibration.c - the calibration's file, by a table of its fields, and whether it speaks of this machine. */
#include "reports/calibration.h"

#include "reports/fields.h"
#include "reports/fingerprint.h"
#include "reports/results_fields.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY_S 86400.0

/* --- the table --------------------------------------------------------------------------------------------------- */

static const struct field cell_list[] = {
    {"id", FIELD_TEXT, true, AT(calibrated_cell, id)},
    {"floor", FIELD_REAL, AT(calibrated_cell, floor)},
    {"floor_blocks", FIELD_UNSIGNED, AT(calibrated_cell, floor_blocks), .zero_is_absent = true},
    {"floor_stretches", FIELD_UNSIGNED, AT(calibrated_cell, floor_stretches), .zero_is_absent = true},
    {"caught", FIELD_REAL, AT(calibrated_cell, caught)},
    {"session_sd", FIELD_REAL, AT(calibrated_cell, session_sd)},
    {"sessions", FIELD_UNSIGNED, true, AT(calibrated_cell, sessions)},
    {"pair_sd", FIELD_REAL, AT(calibrated_cell, pair_sd)},
    {"lag1", FIELD_SIGNED, AT(calibrated_cell, lag1)},
    {"pairs", FIELD_UNSIGNED, true, AT(calibrated_cell, pairs)},
    {"spoiled", FIELD_UNSIGNED, true, AT(calibrated_cell, spoiled)},
    {.name = NULL},
};
static const struct fields calibrated_fields = {cell_list, sizeof(struct calibrated_cell)};

static const struct field gate_list[] = {
    {"seconds", FIELD_REAL, true, AT(calibration, gate_s)},
    {"blocks_least", FIELD_UNSIGNED, true, AT(calibration, blocks_least)},
    {"blocks_most", FIELD_UNSIGNED, true, AT(calibration, blocks_most)},
    {"capped", FIELD_BOOL, true, AT(calibration, capped)},
    {"confirm_s", FIELD_REAL, AT(calibration, confirm_s)},
    {"confirm_live_s", FIELD_REAL, AT(calibration, confirm_live_s)},
    {"margin", FIELD_REAL, true, AT(calibration, margin)},
    {"replayed", FIELD_UNSIGNED, true, AT(calibration, gates)},
    {"false_alarms", FIELD_UNSIGNED, true, AT(calibration, false_alarms)},
    {"alarms_with_floors", FIELD_UNSIGNED, true, AT(calibration, alarms_with_floors)},
    {"undecided", FIELD_UNSIGNED, AT(calibration, undecided)},
    {"independent", FIELD_UNSIGNED, true, AT(calibration, independent)},
    {"false_alarm_most", FIELD_REAL, true, AT(calibration, false_alarm_most)},
    {.name = NULL},
};
static const struct fields gate_fields = {gate_list, 0};

static const struct field power_list[] = {
    {"handicap", FIELD_REAL, true, AT(calibrated_power, handicap)},
    {"replayed", FIELD_UNSIGNED, true, AT(calibrated_power, gates)},
    {"caught", FIELD_UNSIGNED, true, AT(calibrated_power, caught)},
    {.name = NULL},
};
static const struct fields power_fields = {power_list, sizeof(struct calibrated_power)};

static const struct field control_list[] = {
    {"id", FIELD_TEXT, AT(calibrated_control, id)},
    {"expected", FIELD_REAL, AT(calibrated_control, expected)},
    {"ratio", FIELD_REAL, AT(calibrated_control, ratio)},
    {"low", FIELD_REAL, AT(calibrated_control, low)},
    {"high", FIELD_REAL, AT(calibrated_control, high)},
    {"blocks", FIELD_UNSIGNED, AT(calibrated_control, blocks), .zero_is_absent = true},
    {"verdict", FIELD_TEXT, AT(calibrated_control, verdict)},
    {.name = NULL},
};
static const struct fields control_fields = {control_list, sizeof(struct calibrated_control)};

static const struct field live_list[] = {
    {"gates", FIELD_UNSIGNED, AT(calibrated_live, gates), .zero_is_absent = true},
    {"passed", FIELD_UNSIGNED, AT(calibrated_live, passed), .zero_is_absent = true},
    {"inconclusive", FIELD_UNSIGNED, AT(calibrated_live, inconclusive), .zero_is_absent = true},
    {"alarms", FIELD_UNSIGNED, AT(calibrated_live, alarms), .zero_is_absent = true},
    {.name = NULL},
};
static const struct fields live_fields = {live_list, sizeof(struct calibrated_live)};

static json_t *derive_schema(const void *document, const void *base)
{
    (void)document, (void)base;
    return json_string(CALIBRATION_SCHEMA);
}

static const struct field calibration_list[] = {
    {"schema", FIELD_DERIVED, .derive = derive_schema},
    {"created", FIELD_TEXT, true, AT(calibration, created)},
    {"commit", FIELD_TEXT, AT(calibration, commit)},
    {"elapsed_s", FIELD_REAL, true, AT(calibration, elapsed_s)},
    {"blocks", FIELD_UNSIGNED, true, AT(calibration, blocks)},
    {"idle", FIELD_TEXT, true, AT(calibration, idle)},
    {"windows", FIELD_UNSIGNED, true, AT(calibration, windows)},
    {"window_s", FIELD_REAL, true, AT(calibration, window_s)},
    {"warmup_s", FIELD_REAL, true, AT(calibration, warmup_s)},
    {"by_windows", FIELD_BOOL, true, AT(calibration, by_windows)},
    {"gate", FIELD_OBJECT, true, .below = &gate_fields},
    {"power", FIELD_OBJECTS, true, COUNTED(calibration, powers, power_count), .below = &power_fields},
    {"control", FIELD_OBJECT, AT(calibration, control), .below = &control_fields},
    {"live", FIELD_OBJECT, AT(calibration, live), .below = &live_fields},
    {"host", FIELD_OBJECT, true, AT(calibration, host), .below = &host_fields},
    {"cells", FIELD_OBJECTS, true, COUNTED(calibration, cells, cell_count), .below = &calibrated_fields},
    {.name = NULL},
};

static int check(void *base, char *why, size_t size)
{
    const struct calibration *c = base;
    if (c->false_alarms > c->gates || c->alarms_with_floors > c->gates ||
        c->undecided > c->gates - c->alarms_with_floors || c->independent > c->gates || c->false_alarm_most > 1) {
        snprintf(why, size, "the gate's counts contradict each other");
        return -1;
    }
    for (size_t i = 0; i < c->cell_count; i++) {
        if (c->cells[i].spoiled > c->cells[i].pairs) {
            snprintf(why, size, "cells[%zu] has more spoiled pairs than pairs", i);
            return -1;
        }
        if (c->cells[i].floor > FLOOR_MOST) { /* false for NAN */
            snprintf(why, size, "cells[%zu]: a floor of %.3g %% is no machine's", i, 100 * c->cells[i].floor);
            return -1;
        }
        if (c->cells[i].session_sd > SESSION_SD_MOST) {
            snprintf(why, size, "cells[%zu].session_sd: %g is more than %d", i, c->cells[i].session_sd,
                     SESSION_SD_MOST);
            return -1;
        }
        if (calibration_cell(c, c->cells[i].id) != &c->cells[i]) {
            snprintf(why, size, "cells[%zu]: the id \"%.80s\" is there twice", i, c->cells[i].id);
            return -1;
        }
    }
    return 0;
}

static const struct fields calibration_fields = {calibration_list, sizeof(struct calibration), .check = check};
static const struct document calibration_document = {CALIBRATION_SCHEMA, "calibration", "calibration.json",
                                                     &calibration_fields};

/* --- whose it is ------------------------------------------------------------------------------------------------- */

/* Enough of a machine to be compared: all else is the same on both sides. */
static struct results of_host(const struct host *host)
{
    return (struct results){.host = *host};
}

/* 1: yes, 0: no, -1: memory is short. */
static int is_of(const struct calibration *calibration, const struct host *host)
{
    struct difference *list = NULL;
    size_t count = 0;
    const struct results kept = of_host(&calibration->host), here = of_host(host);
    int got = fingerprint_compare(&kept, &here, &list, &count);
    bool other = got == 0 && fingerprint_forbids(list, count, 0);
    free(list);
    return got ? -1 : !other;
}

const char *calibration_unfit(const struct calibration *calibration, const struct results *about, char *text,
                              size_t size)
{
    if (!about->idle || strcmp(about->idle, calibration->idle) != 0)
        snprintf(text, size, "it was made in idle mode %s", calibration->idle);
    else if (about->windows != calibration->windows || fabs(about->window_s - calibration->window_s) > 1e-9)
        snprintf(text, size, "it was made with %u windows of %g ms", calibration->windows, 1e3 * calibration->window_s);
    else if (fabs(about->warmup_s - calibration->warmup_s) > 1e-9)
        snprintf(text, size, "it was made with %g ms of warm-up", 1e3 * calibration->warmup_s);
    else
        return NULL;
    return text;
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

char *calibration_path(const char *folder, const struct host *host)
{
    char name[160], *path;
    return asprintf(&path, "%s/calibration/%s.json", folder, fingerprint_name(name, sizeof name, host)) < 0 ? NULL
                                                                                                            : path;
}

static int short_of_memory(struct report_error *error, int code)
{
    *error = (struct report_error){.code = code, .text = "calibration: memory is short"};
    return -1;
}

int calibration_read(struct calibration *calibration, const char *folder, const struct host *host,
                     struct report_error *error)
{
    int got = 1;
    memset(calibration, 0, sizeof *calibration);
    char *path = calibration_path(folder, host);
    if (!path)
        return short_of_memory(error, 66);
    if (access(path, F_OK) == 0 || errno != ENOENT)
        got = document_read(&calibration_document, path, calibration, error);
    free(path);
    if (got != 0)
        return got;
    int same = is_of(calibration, host);
    if (same != 1)
        calibration_free(calibration);
    return same < 0 ? short_of_memory(error, 66) : !same;
}

int calibration_write(const struct calibration *calibration, const char *folder, struct report_error *error)
{
    char name[160], *below;
    fingerprint_name(name, sizeof name - sizeof ".json", &calibration->host);
    strcat(name, ".json");
    if (asprintf(&below, "%s/calibration", folder) < 0)
        return short_of_memory(error, 73);
    int got = mkdir(below, 0777) && errno != EEXIST ? -1 : 0;
    if (got) {
        error->code = 73;
        snprintf(error->text, sizeof error->text, "cannot make the folder %.300s: %s", below, strerror(errno));
    } else
        got = document_write(&calibration_document, calibration, below, name, error);
    free(below);
    return got;
}

char *calibration_to_json(const struct calibration *calibration)
{
    return document_to_json(&calibration_document, calibration);
}

void calibration_free(struct calibration *calibration)
{
    fields_free(&calibration_fields, calibration);
    memset(calibration, 0, sizeof *calibration);
}

/* --- asking it --------------------------------------------------------------------------------------------------- */

const struct calibrated_cell *calibration_cell(const struct calibration *calibration, const char *id)
{
    for (size_t i = 0; i < calibration->cell_count; i++)
        if (strcmp(calibration->cells[i].id, id) == 0)
            return &calibration->cells[i];
    return NULL;
}

/* Seconds since 1970; NAN when it is no date. */
static double time_of(const char *created)
{
    struct tm when = {.tm_year = 0};
    const char *end = created ? strptime(created, "%Y-%m-%dT%H:%M:%SZ", &when) : NULL;
    return end && !*end ? (double)timegm(&when) : NAN;
}

double calibration_age_days(const struct calibration *calibration, double now)
{
    return (now - time_of(calibration->created)) / DAY_S;
}

bool calibration_spans(const struct calibration *calibration, const struct results *a, const struct results *b)
{
    return fabs(time_of(a->created) - time_of(b->created)) <= calibration->elapsed_s; /* false where one is NAN */
}

double calibration_spoiled(const struct calibration *c)
{
    size_t pairs = 0, spoiled = 0;
    for (size_t i = 0; i < c->cell_count; i++) {
        pairs += c->cells[i].pairs;
        spoiled += c->cells[i].spoiled;
    }
    return pairs ? (double)spoiled / (double)pairs : NAN;
}
