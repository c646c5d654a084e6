/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * protocol.c - requests and replies to JSON and back. */
#include "harness/protocol.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An integer that every reader of JSON keeps as it is. */
#define EXACT ((UINT64_C(1) << 53) - 1)

/* What no request goes beyond, so that sizes computed from it hold. */
#define CHUNK_MOST   UINT32_MAX
#define ITEMS_MOST   (1 << 30)
#define PAYLOAD_MOST (1 << 20)
#define DEPTH_MOST   65536

/* --- requests ---------------------------------------------------------------------------------------------------- */

static json_t *units_to_json(const struct request *r)
{
    json_t *pus = r->pus ? json_array() : json_null();
    for (unsigned i = 0; r->pus && i < r->parameters.workers; i++)
        json_array_append_new(pus, json_integer(r->pus[i]));
    return pus;
}

json_t *protocol_prepare(const struct request *r, uint64_t seed, unsigned deadline_s)
{
    const struct parameters *p = &r->parameters;
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:i, s:b, s:I, s:I, s:s*, s:s*, s:s*}", "do",
        "prepare", "protocol", PROTOCOL, "workload", r->workload->name, "strategy", r->strategy->name, "variant",
        r->strategy->variants[r->variant].name, "workers", (json_int_t)p->workers, "chunk", (json_int_t)p->chunk,
        "items", (json_int_t)p->items, "payload_bytes", (json_int_t)p->payload, "item_cost_steps", (json_int_t)p->cost,
        "depth", (json_int_t)r->depth, "pus", units_to_json(r), "service_pu", r->service_pu, "oversubscribed",
        r->oversubscribed, "seed", (json_int_t)(seed & EXACT), "deadline_s", (json_int_t)deadline_s, "input", p->input,
        "manager", r->manager, "key_file", r->key_file);
}

json_t *protocol_measure(unsigned windows, int64_t window_ns)
{
    return json_pack("{s:s, s:i, s:I}", "do", "measure", "windows", (int)windows, "window_ns", (json_int_t)window_ns);
}

json_t *protocol_finish(void)
{
    return json_pack("{s:s}", "do", "finish");
}

json_t *protocol_reply(const char *kind)
{
    return json_pack("{s:s}", "reply", kind);
}

json_t *protocol_reason(const char *kind, const char *reason)
{
    return json_pack("{s:s, s:s}", "reply", kind, "reason", reason);
}

const char *protocol_reply_to(const json_t *request)
{
    static const char *const replies[][2] = {
        {"prepare", "ready"},
        {"measure", "measured"},
        {"finish", "finished"},
    };
    const char *what = json_string_value(json_object_get(request, "do"));
    for (size_t i = 0; what && i < sizeof replies / sizeof *replies; i++)
        if (strcmp(what, replies[i][0]) == 0)
            return replies[i][1];
    return NULL;
}

/* Names first: whether this build knows them is an answer, not an error. */
static int read_names(const json_t *json, struct request *r, char *reason, size_t size)
{
    const char *workload = NULL, *strategy = NULL, *variant = NULL;
    if (json_unpack((json_t *)json, "{s:s, s:s, s:s}", "workload", &workload, "strategy", &strategy, "variant",
                    &variant)) {
        snprintf(reason, size, "prepare names no workload, strategy and variant");
        return -1;
    }
    r->workload = workload_find(workload);
    r->strategy = strategy_find(strategy);
    int index = r->strategy ? variant_find(r->strategy, variant) : -1;
    r->variant = index < 0 ? 0 : (unsigned)index;
    if (r->workload && r->strategy && index >= 0)
        return 1;
    snprintf(reason, size, "this build does not know %s/%s:%s", workload, strategy, variant);
    return 0;
}

static int read_units(const json_t *pus, struct request *r)
{
    if (!json_is_array(pus))
        return pus && !json_is_null(pus) ? -1 : 0;
    if (json_array_size(pus) != r->parameters.workers)
        return -1;
    r->pus = calloc(r->parameters.workers, sizeof *r->pus);
    if (!r->pus)
        return -1;
    for (unsigned i = 0; i < r->parameters.workers; i++) {
        const json_t *pu = json_array_get(pus, i);
        if (!json_is_integer(pu) || json_integer_value(pu) < 0 || json_integer_value(pu) > INT_MAX)
            return -1;
        r->pus[i] = (unsigned)json_integer_value(pu);
    }
    return 0;
}

static int read_manager(const json_t *json, struct request *r)
{
    const char *manager = NULL, *key_file = NULL;
    if (json_unpack((json_t *)json, "{s?s, s?s}", "manager", &manager, "key_file", &key_file))
        return -1;
    if (!manager)
        return key_file ? -1 : 0;
    r->manager = strdup(manager);
    r->key_file = key_file ? strdup(key_file) : NULL;
    return r->manager && (r->key_file || !key_file) ? 0 : -1;
}

static int read_numbers(const json_t *json, struct request *r, unsigned *deadline_s)
{
    json_int_t workers = 0, chunk = 0, items = 0, payload = 8, cost = 0, depth = 0, seed = 0, deadline = 0;
    int service_pu = -1, oversubscribed = 0;
    if (json_unpack((json_t *)json, "{s:I, s?I, s?I, s?I, s?I, s?I, s?I, s?I, s?i, s?b}", "workers", &workers, "chunk",
                    &chunk, "items", &items, "payload_bytes", &payload, "item_cost_steps", &cost, "depth", &depth,
                    "seed", &seed, "deadline_s", &deadline, "service_pu", &service_pu, "oversubscribed",
                    &oversubscribed))
        return -1;
    if (workers < 1 || workers > WORKERS_MAX || chunk < 0 || chunk > CHUNK_MOST || items < 0 || items > ITEMS_MOST ||
        payload < 0 || payload > PAYLOAD_MOST || cost < 0 || depth < 0 || depth > DEPTH_MOST)
        return -1;
    r->parameters = (struct parameters){
        .workers = (unsigned)workers,
        .chunk = (uint64_t)chunk,
        .items = (uint64_t)items,
        .payload = (size_t)payload,
        .cost = (uint64_t)cost,
        .seed = (uint64_t)seed,
    };
    r->depth = (unsigned)depth;
    r->service_pu = service_pu;
    r->oversubscribed = oversubscribed;
    *deadline_s = deadline > 0 ? (unsigned)deadline : 0;
    return 0;
}

static int read_input(const json_t *input, struct request *r)
{
    if (!input)
        return 0;
    r->input = json_is_string(input) ? strdup(json_string_value(input)) : NULL;
    r->parameters.input = r->input;
    return r->input ? 0 : -1;
}

void request_free(struct request *r)
{
    free(r->pus);
    free(r->input);
    free(r->manager);
    free(r->key_file);
    r->pus = NULL;
    r->input = r->manager = r->key_file = NULL;
}

int protocol_read_prepare(const json_t *json, struct request *r, unsigned *deadline_s, char *reason, size_t size)
{
    *r = (struct request){.service_pu = -1};
    int known = read_names(json, r, reason, size);
    if (known <= 0)
        return known;
    if (read_numbers(json, r, deadline_s) || read_units(json_object_get(json, "pus"), r) ||
        read_input(json_object_get(json, "input"), r)) {
        snprintf(reason, size, "prepare has a number that makes no sense");
        return -1;
    }
    if (read_manager(json, r) || (r->manager && !r->strategy->by_address)) {
        snprintf(reason, size, "prepare has a manager that makes no sense");
        return -1;
    }
    const char *lacks = combination_lacks(r->strategy, r->variant, r->workload, &r->parameters, reason, size);
    if (lacks && lacks != reason)
        snprintf(reason, size, "%s", lacks);
    return lacks ? 0 : 1;
}

int protocol_read_ready(const json_t *json, struct ready *ready)
{
    json_int_t items = 0, chunk = 0, depth = 0;
    *ready = (struct ready){.items = 0};
    if (json_unpack((json_t *)json, "{s?I, s?I, s?I}", "items", &items, "chunk_used", &chunk, "depth", &depth) ||
        items < 0 || items > ITEMS_MOST || chunk < 0 || chunk > CHUNK_MOST || depth < 0 || depth > DEPTH_MOST)
        return -1;
    *ready = (struct ready){.items = (uint64_t)items, .chunk_used = (uint64_t)chunk, .depth = (unsigned)depth};
    return 0;
}

/* --- measures ---------------------------------------------------------------------------------------------------- */

/* What was not measured is left out: JSON has no NaN. */
static json_t *paid_to_json(const struct paid *paid)
{
    json_t *json = json_object();
    const struct {
        const char *name;
        double value;
    } fields[] = {{"cpu_s", paid->cpu_s},
                  {"voluntary", paid->voluntary},
                  {"involuntary", paid->involuntary},
                  {"run_delay_s", paid->run_delay_s}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (isfinite(fields[i].value))
            json_object_set_new(json, fields[i].name, json_real(fields[i].value));
    return json;
}

/* Bins that are not empty, each followed by its count. */
static json_t *times_to_json(const struct histogram *times)
{
    json_t *counts = json_array();
    if (!times) {
        json_decref(counts);
        return NULL;
    }
    for (size_t i = 0; i < HISTOGRAM_BINS; i++)
        if (times->counts[i]) {
            json_array_append_new(counts, json_integer((json_int_t)i));
            json_array_append_new(counts, json_integer((json_int_t)times->counts[i]));
        }
    return json_pack("{s:I, s:o}", "max_ns", (json_int_t)times->max_ns, "counts", counts);
}

json_t *protocol_measured(const struct series *series, unsigned workers)
{
    json_t *rates = json_array(), *per_worker = json_array();
    double seconds = 0;
    for (size_t i = 0; i < series->count; i++) {
        json_array_append_new(rates, json_real(series->windows[i].rate));
        seconds += series->windows[i].seconds;
    }
    for (unsigned i = 0; i < workers; i++)
        json_array_append_new(per_worker, json_integer((json_int_t)series->per_worker[i]));
    return json_pack("{s:s, s:o, s:o, s:f, s:o, s:o, s:o*, s:I, s:b, s:s}", "reply", "measured", "rates", rates,
                     "per_worker", per_worker, "seconds", seconds, "workers", paid_to_json(&series->workers), "service",
                     paid_to_json(&series->service), "times", times_to_json(series->times), "lost",
                     (json_int_t)series->lost, "verified", series->verified, "proof", series->proof);
}

void protocol_add_lines(json_t *measured, struct session *session)
{
    struct told told;
    json_t *lines = NULL;
    for (size_t i = 0; trial_tell(session, i, &told); i++) {
        lines = lines ? lines : json_array();
        json_array_append_new(lines, json_pack("[s, s]", told.line ? told.line : "", told.beside ? told.beside : ""));
        free(told.line);
        free(told.beside);
    }
    if (lines)
        json_object_set_new(measured, "lines", lines);
}

static double number_or_nan(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static struct paid paid_from_json(const json_t *json)
{
    return (struct paid){
        .cpu_s = number_or_nan(json, "cpu_s"),
        .voluntary = number_or_nan(json, "voluntary"),
        .involuntary = number_or_nan(json, "involuntary"),
        .run_delay_s = number_or_nan(json, "run_delay_s"),
    };
}

static int read_arrays(const json_t *rates, const json_t *per_worker, struct answer *answer)
{
    answer->rate_count = json_array_size(rates);
    answer->worker_count = json_array_size(per_worker);
    if (!answer->rate_count || !answer->worker_count)
        return -1;
    answer->rates = calloc(answer->rate_count, sizeof *answer->rates);
    answer->per_worker = calloc(answer->worker_count, sizeof *answer->per_worker);
    if (!answer->rates || !answer->per_worker)
        return -1;
    for (size_t i = 0; i < answer->rate_count; i++) {
        const json_t *rate = json_array_get(rates, i);
        if (!json_is_number(rate) || json_number_value(rate) < 0)
            return -1;
        answer->rates[i] = json_number_value(rate);
    }
    for (size_t i = 0; i < answer->worker_count; i++) {
        const json_t *operations = json_array_get(per_worker, i);
        if (!json_is_integer(operations) || json_integer_value(operations) < 0)
            return -1;
        answer->per_worker[i] = (uint64_t)json_integer_value(operations);
    }
    return 0;
}

static int read_bin(struct histogram *times, const json_t *bin, const json_t *count)
{
    json_int_t i = json_integer_value(bin), n = json_integer_value(count);
    if (!json_is_integer(bin) || !json_is_integer(count) || i < 0 || i >= HISTOGRAM_BINS || n < 1)
        return -1;
    times->counts[i] += (uint64_t)n;
    times->samples += (uint64_t)n;
    return 0;
}

static bool are_lines(const json_t *lines)
{
    for (size_t i = 0; i < json_array_size(lines); i++)
        for (size_t k = 0; k < 2; k++)
            if (!json_is_string(json_array_get(json_array_get(lines, i), k)))
                return false;
    return json_is_array(lines);
}

static int read_lines(json_t *lines, struct answer *answer)
{
    if (lines && !are_lines(lines))
        return -1;
    answer->lines = json_incref(lines);
    return 0;
}

static int read_times(const json_t *json, struct answer *answer)
{
    const json_t *counts = json_object_get(json, "counts"), *max = json_object_get(json, "max_ns");
    if (!json)
        return 0;
    if (!json_is_array(counts) || !json_is_integer(max) || json_integer_value(max) < 0)
        return -1;
    answer->times = calloc(1, sizeof *answer->times);
    if (!answer->times)
        return -1;
    answer->times->max_ns = (uint64_t)json_integer_value(max);
    for (size_t i = 0; i < json_array_size(counts); i += 2)
        if (read_bin(answer->times, json_array_get(counts, i), json_array_get(counts, i + 1)))
            return -1;
    return 0;
}

int protocol_read_measured(const json_t *json, struct answer *answer)
{
    json_t *rates, *per_worker;
    json_int_t lost = 0;
    int verified = 0;
    const char *proof = "";
    *answer = (struct answer){.rates = NULL};
    if (json_unpack((json_t *)json, "{s:o, s:o, s:F, s:I, s:b, s?s}", "rates", &rates, "per_worker", &per_worker,
                    "seconds", &answer->seconds, "lost", &lost, "verified", &verified, "proof", &proof) ||
        read_arrays(rates, per_worker, answer) || read_times(json_object_get(json, "times"), answer) ||
        read_lines(json_object_get(json, "lines"), answer) || !(answer->seconds >= 0) || lost < 0) {
        answer_free(answer);
        return -1;
    }
    answer->workers = paid_from_json(json_object_get(json, "workers"));
    answer->service = paid_from_json(json_object_get(json, "service"));
    answer->lost = (uint64_t)lost;
    answer->verified = verified;
    snprintf(answer->proof, sizeof answer->proof, "%s", proof);
    return 0;
}

void answer_disprove(struct answer *answer, const struct answer *warm)
{
    if (warm->verified)
        return;
    answer->verified = false;
    memcpy(answer->proof, warm->proof, sizeof answer->proof);
}

int answer_join(struct answer *answer, const struct answer *more)
{
    size_t count = answer->rate_count + more->rate_count;
    double *rates = more->worker_count == answer->worker_count ? realloc(answer->rates, count * sizeof *rates) : NULL;
    if (!rates)
        return -1;
    memcpy(rates + answer->rate_count, more->rates, more->rate_count * sizeof *rates);
    answer->rates = rates;
    answer->rate_count = count;
    for (size_t i = 0; i < answer->worker_count; i++)
        answer->per_worker[i] += more->per_worker[i];
    answer->seconds += more->seconds;
    paid_add(&answer->workers, &more->workers);
    paid_add(&answer->service, &more->service);
    answer->lost += more->lost;
    if (answer->times && more->times)
        histogram_merge(answer->times, more->times);
    answer_disprove(answer, more);
    return 0;
}

void answer_free(struct answer *answer)
{
    free(answer->rates);
    free(answer->per_worker);
    free(answer->times);
    json_decref(answer->lines);
    *answer = (struct answer){.rates = NULL};
}
