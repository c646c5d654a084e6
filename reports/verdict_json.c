/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict_json.c - a judgement as verdict.json: what the table, the sentences and the last line say, for programs.
 *
 * Nothing is derived here that a reader of the file would have to derive again; what was not measured is absent. */
#include "reports/verdict_parts.h"

#include "reports/results_fields.h"

#include <math.h>
#include <stdlib.h>

/* Members are set by these; a failure leaves the object short, which the caller sees in `short_of_memory`. */
struct writing {
    bool short_of_memory;
};

static void set(struct writing *w, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) != 0)
        w->short_of_memory = true;
}

static void set_text(struct writing *w, json_t *object, const char *name, const char *text)
{
    if (text)
        set(w, object, name, fields_text(text));
}

static void set_real(struct writing *w, json_t *object, const char *name, double real)
{
    if (isfinite(real))
        set(w, object, name, json_real(real));
}

static void set_count(struct writing *w, json_t *object, const char *name, size_t count)
{
    set(w, object, name, json_integer((json_int_t)count));
}

static json_t *side_to_json(struct writing *w, const struct judged_side *side)
{
    json_t *object = json_object();
    set_text(w, object, "name", side->name);
    set_text(w, object, "version", side->version);
    set_text(w, object, "commit", side->commit);
    return object;
}

static json_t *criteria_to_json(struct writing *w, const struct criteria *criteria)
{
    json_t *object = json_object();
    set_real(w, object, "margin", criteria->margin);
    set_real(w, object, "floor_factor", FLOOR_FACTOR);
    set_real(w, object, "alpha", criteria->alpha);
    set_real(w, object, "confidence", criteria->confidence);
    set_count(w, object, "blocks_least", criteria->blocks_least);
    set_count(w, object, "confirm_cells", criteria->confirm_cells);
    set_count(w, object, "confirm_blocks", criteria->confirm_blocks);
    return object;
}

static json_t *counts_to_json(struct writing *w, const struct judgement *judgement)
{
    struct judged_counts counts = judged_count(judgement);
    json_t *object = json_object();
    set_count(w, object, "cells", judgement->count);
    set_count(w, object, "slower", counts.slower);
    set_count(w, object, "slower_once", counts.once);
    set_count(w, object, "confirmed", counts.confirmed);
    set_count(w, object, "faster", counts.faster);
    set_count(w, object, "equivalent", counts.equivalent);
    set_count(w, object, "inconclusive", counts.inconclusive);
    set_count(w, object, "missing", counts.missing);
    set_count(w, object, "failed", counts.failed);
    return object;
}

static json_t *again_to_json(struct writing *w, const struct finding *finding)
{
    json_t *object = json_object();
    set_real(w, object, "ratio", finding->ratio_again);
    set_real(w, object, "low", finding->low_again);
    set_real(w, object, "high", finding->high_again);
    set_count(w, object, "used", finding->used_again);
    set_count(w, object, "spoiled", finding->spoiled_again);
    set_text(w, object, "doubt", doubt_key(finding->doubt_again));
    if (finding->doubt_again != DOUBT_NONE)
        set_text(w, object, "why", doubt_name(finding->doubt_again));
    if (finding->needed_again)
        set_count(w, object, "needed", finding->needed_again);
    return object;
}

/* What was judged, and how it came out; not for cells that are missing or failed. */
static void set_judged(struct writing *w, json_t *object, const struct finding *finding)
{
    set_text(w, object, "doubt", doubt_key(finding->doubt));
    if (finding->doubt != DOUBT_NONE)
        set_text(w, object, "why", doubt_name(finding->doubt));
    if (finding->doubt == DOUBT_SENSITIVE) {
        set_text(w, object, "without_spoiled", verdict_name(finding->sound));
        set_text(w, object, "with_spoiled", verdict_name(finding->with_spoiled));
    }
    set(w, object, "not_slower", json_boolean(finding->not_slower));
    set(w, object, "confirmed", json_boolean(finding->confirmed));
    set_real(w, object, "margin", finding->margin);
    set_real(w, object, "p_slower", finding->p_slower);
    if (finding->needed)
        set_count(w, object, "needed", finding->needed);
}

static json_t *finding_to_json(struct writing *w, const struct judgement *judgement, size_t i)
{
    const struct finding *finding = &judgement->findings[i];
    const struct cell *cell = judgement->cells[i];
    bool fault = finding->verdict == VERDICT_MISSING || finding->verdict == VERDICT_FAILED;
    json_t *object = json_object();
    set_text(w, object, "id", cell->id);
    set_text(w, object, "workload", cell->workload);
    set_text(w, object, "strategy", cell->strategy);
    set_text(w, object, "variant", cell->variant);
    set_text(w, object, "metric", cell->metric);
    set_text(w, object, "unit", cell->unit);
    set_text(w, object, "better", cell->better);
    if (judgement->judged || fault)
        set_text(w, object, "verdict", verdict_name(finding->verdict));
    set_real(w, object, "floor", judged_floor(judgement, i));
    if (fault) {
        set_text(w, object, "reason", judged_reason(judgement, i));
        return object;
    }
    set_real(w, object, "ratio", finding->ratio);
    set_real(w, object, "low", finding->low);
    set_real(w, object, "high", finding->high);
    set_count(w, object, "used", finding->used);
    if (finding->counted)
        set_count(w, object, "counted", finding->counted);
    set_count(w, object, "spoiled", finding->spoiled);
    set_real(w, object, "lag1", finding->lag1);
    if (judgement->judged)
        set_judged(w, object, finding);
    if (verdict_has_again(finding))
        set(w, object, "again", again_to_json(w, finding));
    return object;
}

static json_t *machine_to_json(struct writing *w, const struct results *about)
{
    json_t *object = fields_to_json(&host_fields, about, &about->host);
    if (object) /* half of results.json, and of no use here */
        json_object_del(object, "topology_xml");
    set_text(w, object, "idle", about->idle);
    return object;
}

/* Ratios of time, as those of the findings are. */
static void set_controls(struct writing *w, json_t *object, const char *name, const struct controls *controls)
{
    if (!controls || !controls_known(controls))
        return;
    json_t *ratios = json_object();
    for (int i = 0; i < CONTROLS; i++)
        set_real(w, ratios, control_name(i), exp(controls->moved[i]));
    set_real(w, ratios, "wake_natural", exp(controls->natural));
    set(w, object, name, ratios);
}

static json_t *findings_to_json(struct writing *w, const struct judgement *judgement)
{
    json_t *array = json_array();
    for (size_t i = 0; i < judgement->count; i++)
        if (json_array_append_new(array, finding_to_json(w, judgement, i)) != 0)
            w->short_of_memory = true;
    return array;
}

static json_t *notes_to_json(struct writing *w, const struct judgement *judgement)
{
    json_t *array = json_array();
    for (const char *const *note = judgement->notes; note && *note; note++)
        if (json_array_append_new(array, fields_text(*note)) != 0)
            w->short_of_memory = true;
    return array;
}

json_t *verdict_to_json(const struct judgement *judgement)
{
    struct writing w = {false};
    bool calibrated = false;
    json_t *object = json_object();
    for (size_t i = 0; i < judgement->count; i++)
        calibrated |= !isnan(judged_floor(judgement, i));
    set_text(&w, object, "schema", VERDICT_SCHEMA);
    set_text(&w, object, "kind", judgement->kind);
    set_text(&w, object, "verdict", judged_overall(judgement));
    if (judgement->ended)
        set_text(&w, object, "ended", judgement->ended);
    set(&w, object, "counts", counts_to_json(&w, judgement));
    set(&w, object, "base", side_to_json(&w, &judgement->base));
    set(&w, object, "candidate", side_to_json(&w, &judgement->candidate));
    set(&w, object, "criteria", criteria_to_json(&w, judgement->criteria));
    set(&w, object, "calibrated", json_boolean(calibrated));
    if (judgement->about)
        set(&w, object, "machine", machine_to_json(&w, judgement->about));
    if (judgement->differences)
        set(&w, object, "differences", judged_differences_to_json(judgement));
    set_controls(&w, object, "controls", judgement->controls);
    set_controls(&w, object, "controls_again", judgement->controls_again);
    set(&w, object, "findings", findings_to_json(&w, judgement));
    set(&w, object, "notes", notes_to_json(&w, judgement));
    if (w.short_of_memory) {
        json_decref(object);
        return NULL;
    }
    return object;
}

int verdict_write(const struct judgement *judgement, const char *dir, struct report_error *error)
{
    json_t *json = verdict_to_json(judgement);
    char *text = json ? fields_layout(json) : NULL;
    int result = document_replace(dir, "verdict.json", text, error);
    free(text);
    json_decref(json);
    return result;
}
