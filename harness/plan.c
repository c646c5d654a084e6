/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plan.c - crossing strategies, workloads and parameters into entries, each with its place on the machine. */
#include "harness/plan.h"
#include "harness/protocol.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One point of the matrix before it has a place. */
struct point {
    const struct strategy *strategy;
    unsigned variant;
    const struct workload *workload;
    unsigned workers;
    uint64_t chunk, payload, cost_ns;
    const char *placement;
    enum idle_mode idle;
};

struct making {
    struct plan *plan;
    struct results *results;
    const struct selection *sel;
    const struct terms *terms;
    const struct machine *machine;
    struct problem *problem;
};

static int no_memory(struct making *m)
{
    return problem_set(m->problem, EXIT_UNPROVED, "no memory for the plan");
}

/* --- a cell ------------------------------------------------------------------------------------------------------ */

/* The address of what serves it, where it is not the pool's own. */
static const char *manager_of(const struct making *m, const struct point *p)
{
    return p->strategy->by_address ? m->terms->manager : NULL;
}

/* It names a payload where there is none too: runs are put side by side by it, and those of long ago have it so. */
static char *make_id(const struct making *m, const struct point *p, uint64_t chunk)
{
    const struct variant *variant = &p->strategy->variants[p->variant];
    char chunk_text[24] = "auto", *id = NULL;
    if (chunk)
        snprintf(chunk_text, sizeof chunk_text, "%llu", (unsigned long long)chunk);
    bool plain = p->idle == m->terms->idle;
    const char *manager = manager_of(m, p);
    if (asprintf(&id, "%s/%s%s%s w=%u c=%s p=%s i=%llu b=%llu%s%s%s%s", p->workload->name, p->strategy->name,
                 p->variant ? ":" : "", p->variant ? variant->name : "", p->workers, chunk_text, p->placement,
                 (unsigned long long)p->cost_ns, (unsigned long long)p->payload, plain ? "" : " idle=",
                 plain ? "" : idle_name(p->idle), manager ? " m=" : "", manager ? manager : "") < 0)
        return NULL;
    return id;
}

static bool known_id(const struct results *r, const char *id)
{
    for (size_t i = 0; i < r->cell_count; i++)
        if (strcmp(r->cells[i].id, id) == 0)
            return true;
    return false;
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

/* Whose writes others see, in one order or another. */
static bool works_on_object(enum need need)
{
    return need == NEED_COUNTER || need == NEED_LIST || need == NEED_ARRAY || need == NEED_DICT || need == NEED_LOCK;
}

static void fill_cell(struct cell *cell, const struct making *m, const struct point *p)
{
    const struct variant *variant = &p->strategy->variants[p->variant];
    bool writes = !p->workload->reads_only && works_on_object(p->workload->need);
    const char *limit = p->workload->unchunked ? NULL : variant->limit[p->workload->need];
    cell->workload = copy(p->workload->name);
    cell->strategy = copy(p->strategy->name);
    cell->variant = copy(variant->name);
    cell->variant_default = p->variant == 0;
    cell->workers = p->workers;
    cell->chunk = cell->chunk_used = p->chunk;
    cell->placement = copy(p->placement);
    cell->service = copy(m->plan->service_own ? "own" : "shared");
    cell->service_pu = -1;
    cell->item_cost_ns = (double)p->cost_ns;
    cell->payload_bytes = p->workload->payload_most ? p->payload : 0;
    cell->idle = copy(idle_name(p->idle));
    cell->ranked = p->strategy->role == ROLE_COMPARED && !variant->incorrect;
    cell->visible = copy(writes ? variant->visible : "");
    cell->metric = copy("throughput");
    cell->unit = copy(p->workload->unit);
    cell->better = copy("higher");
    cell->limit = copy(limit);
    cell->manager = copy(manager_of(m, p));
    cell->limit_carries = 1;
    cell->value = cell->ci_low = cell->ci_high = cell->confidence = NAN;
}

/* What is not bound may run on every unit. */
static int use_everywhere(struct making *m)
{
    struct plan *plan = m->plan;
    if (plan->everywhere)
        return 0;
    plan->everywhere = calloc(m->machine->count, sizeof *plan->everywhere);
    if (!plan->everywhere)
        return no_memory(m);
    for (; plan->everywhere_count < m->machine->count; plan->everywhere_count++)
        plan->everywhere[plan->everywhere_count] = m->machine->units[plan->everywhere_count].pu;
    return 0;
}

static int place_cell(struct making *m, struct cell *cell, struct entry *entry)
{
    struct placement placement;
    unsigned workers = cell->workers;
    if (placement_plan(m->machine, cell->placement, workers, m->terms->oversubscribe, &placement, m->problem))
        return -1;
    const struct unit *own = m->plan->service_own ? placement_free_unit(m->machine, &placement) : NULL;
    cell->oversubscribed = placement.oversubscribed;
    if (placement.bound) {
        cell->pus = calloc(workers, sizeof *cell->pus);
        entry->request.pus = calloc(workers, sizeof *entry->request.pus);
    }
    bool short_of = placement.bound && (!cell->pus || !entry->request.pus);
    for (unsigned i = 0; placement.bound && !short_of && i < workers; i++)
        cell->pus[i] = entry->request.pus[i] = placement.units[i]->pu;
    if (placement.bound && !short_of)
        cell->service_pu = own ? (int)own->pu : (int)cell->pus[0];
    bool unbound = !placement.bound;
    placement_free(&placement);
    if (short_of)
        return no_memory(m);
    return unbound ? use_everywhere(m) : 0;
}

static void fill_request(struct entry *entry, const struct making *m, const struct point *p, const struct cell *cell)
{
    struct request *r = &entry->request;
    r->strategy = p->strategy;
    r->variant = p->variant;
    r->workload = p->workload;
    r->parameters = (struct parameters){
        .workers = p->workers,
        .chunk = p->chunk,
        .items = p->workload->itemised ? m->terms->items : 0,
        .payload = p->payload,
        .input = m->terms->input,
        .cost = p->cost_ns ? (uint64_t)llround((double)p->cost_ns / m->terms->ns_per_step) : 0,
    };
    r->depth = m->terms->depth;
    r->service_pu = cell->service_pu;
    r->oversubscribed = cell->oversubscribed;
    r->manager = copy(manager_of(m, p));
    r->key_file = r->manager ? copy(m->terms->key_file) : NULL;
    entry->idle = p->idle;
}

static int grow(struct making *m)
{
    struct plan *plan = m->plan;
    struct results *r = m->results;
    if (plan->count < plan->room)
        return 0;
    size_t room = plan->room ? 2 * plan->room : 64;
    struct entry *entries = realloc(plan->entries, room * sizeof *entries);
    if (entries)
        plan->entries = entries;
    struct cell *cells = realloc(r->cells, room * sizeof *cells);
    if (cells)
        r->cells = cells;
    if (!entries || !cells)
        return no_memory(m);
    plan->room = room;
    return 0;
}

/* A point that is n/a becomes a cell with its reason; one that is there already is passed over. */
static int add_point(struct making *m, const struct point *p)
{
    char text[200];
    char *id = make_id(m, p, p->chunk);
    if (!id || grow(m)) {
        free(id);
        return no_memory(m);
    }
    if (known_id(m->results, id)) {
        free(id);
        return 0;
    }
    struct cell *cell = &m->results->cells[m->results->cell_count];
    struct entry *entry = &m->plan->entries[m->plan->count];
    *cell = (struct cell){.id = id};
    *entry = (struct entry){.cell = m->results->cell_count};
    fill_cell(cell, m, p);
    m->results->cell_count++;
    m->plan->count++;
    struct parameters asked = {.workers = p->workers, .payload = p->payload};
    const char *lacks = combination_lacks(p->strategy, p->variant, p->workload, &asked, text, sizeof text);
    if (place_cell(m, cell, entry))
        return -1;
    fill_request(entry, m, p, cell);
    if (lacks) {
        cell->status = CELL_NA;
        cell->reason = copy(lacks);
    }
    return 0;
}

/* --- the matrix -------------------------------------------------------------------------------------------------- */

static unsigned most_workers(const struct selection *sel)
{
    uint64_t most = 1;
    for (size_t i = 0; i < sel->workers.count; i++)
        most = sel->workers.values[i] > most ? sel->workers.values[i] : most;
    return (unsigned)most;
}

/* A strategy that has few workers is measured with as many as it has, once. */
static unsigned workers_of(const struct strategy *strategy, uint64_t workers)
{
    unsigned most = strategy->workers_most;
    return (unsigned)(most && workers > most ? most : workers);
}

static int cross_chunks(struct making *m, struct point p)
{
    const struct numbers *chunks = &m->sel->chunks;
    bool once = p.workload->unchunked || (m->sel->standard && p.strategy->role == ROLE_CONTROL_ONLY);
    for (size_t i = 0; i < (once ? 1 : chunks->count); i++) {
        p.chunk = once ? 0 : chunks->values[i];
        if (add_point(m, &p))
            return -1;
    }
    return 0;
}

/* A workload that has no payload, or no cost, is measured once whatever was asked. */
static int cross_parameters(struct making *m, struct point p)
{
    const struct numbers *payloads = &m->sel->payloads, *costs = &m->sel->costs;
    bool raw = p.workload->need == NEED_RAW;
    for (size_t i = 0; i < (p.workload->payload_most ? payloads->count : 1); i++)
        for (size_t k = 0; k < (raw ? 1 : costs->count); k++) {
            p.payload = p.workload->payload_most ? payloads->values[i] : raw ? 0 : sizeof(int64_t);
            p.cost_ns = raw ? 0 : costs->values[k];
            if (cross_chunks(m, p))
                return -1;
        }
    return 0;
}

static int cross_workers(struct making *m, struct point p)
{
    for (size_t i = 0; i < m->sel->workers.count; i++) {
        p.workers = workers_of(p.strategy, m->sel->workers.values[i]);
        if (cross_parameters(m, p))
            return -1;
    }
    return 0;
}

static bool meant_for(const struct strategy *strategy, const struct workload *workload)
{
    return (strategy->role == ROLE_LIMITS) == (workload->need == NEED_RAW);
}

/* Raw operations beside strategies, as in `-s all,limits`: who asks for both does not ask for every n/a between them.
 */
static bool beside_the_point(const struct selection *sel, const struct point *p)
{
    bool elsewhere = false;
    for (size_t i = 0; i < sel->choice_count; i++)
        elsewhere = elsewhere || meant_for(sel->choices[i].strategy, p->workload);
    return elsewhere && !meant_for(p->strategy, p->workload);
}

static int cross_selection(struct making *m, struct point p)
{
    for (size_t w = 0; w < m->sel->workload_count; w++) {
        p.workload = m->sel->workloads[w];
        if (m->sel->standard && !p.workload->standard)
            continue;
        for (size_t c = 0; c < m->sel->choice_count; c++) {
            p.strategy = m->sel->choices[c].strategy;
            p.variant = m->sel->choices[c].variant;
            if (!beside_the_point(m->sel, &p) && cross_workers(m, p))
                return -1;
        }
    }
    return 0;
}

/* --- what the default plan adds ---------------------------------------------------------------------------------- */

/* The other variants, where they change a workload on which they are ranked beside one another: at all cores, chunk 1.
 */
static int add_variants(struct making *m, struct point p)
{
    p.workload = workload_find("counter");
    for (size_t c = 0; c < m->sel->choice_count; c++) {
        p.strategy = m->sel->choices[c].strategy;
        for (p.variant = 1; p.variant < variant_count(p.strategy); p.variant++) {
            const struct variant *v = &p.strategy->variants[p.variant];
            if (!v->incorrect && v->lacks[NEED_MAP] && !v->lacks[p.workload->need] && add_point(m, &p))
                return -1;
        }
    }
    return 0;
}

/* What an idle CPU does when nobody keeps it awake: the same cells once more, at all cores and chunk 1. */
static int add_natural(struct making *m, struct point p)
{
    p.idle = IDLE_NATURAL;
    for (size_t w = 0; w < m->sel->workload_count; w++)
        for (size_t c = 0; c < m->sel->choice_count; c++) {
            p.workload = m->sel->workloads[w];
            p.strategy = m->sel->choices[c].strategy;
            p.variant = m->sel->choices[c].variant;
            if (p.strategy->role == ROLE_COMPARED && p.workload->standard && add_point(m, &p))
                return -1;
        }
    return 0;
}

static int add_limits(struct making *m, struct point p)
{
    p.variant = 0;
    p.chunk = p.payload = 0;
    unsigned most = p.workers;
    for (const struct strategy *const *s = strategies; *s; s++)
        for (const struct workload *const *w = workloads; *w; w++) {
            if ((*s)->role != ROLE_LIMITS || (*w)->need != NEED_RAW)
                continue;
            p.strategy = *s;
            p.workload = *w;
            p.workers = (*w)->multiple ? most / (*w)->multiple * (*w)->multiple : most;
            if (p.workers > 0 && add_point(m, &p))
                return -1;
        }
    return 0;
}

static int add_standard(struct making *m, struct point p)
{
    p.workers = most_workers(m->sel);
    p.chunk = 1;
    p.payload = sizeof(int64_t);
    p.cost_ns = 0;
    if (add_variants(m, p) || add_limits(m, p))
        return -1;
    return m->terms->idle == IDLE_NATURAL ? 0 : add_natural(m, p);
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

/* A unit of its own serves only where every worker count of the run leaves one, so that no curve changes its terms. */
static int settle_service(struct making *m)
{
    bool free_everywhere = true;
    for (const char *const *policy = m->terms->placements; *policy; policy++)
        for (size_t i = 0; i < m->sel->workers.count; i++) {
            struct placement placement;
            if (placement_plan(m->machine, *policy, (unsigned)m->sel->workers.values[i], m->terms->oversubscribe,
                               &placement, m->problem))
                return -1;
            free_everywhere = free_everywhere && placement_free_unit(m->machine, &placement);
            placement_free(&placement);
        }
    m->plan->service_own = m->terms->service != SERVICE_SHARED && free_everywhere;
    if (m->terms->service == SERVICE_OWN && !free_everywhere)
        return problem_set(m->problem, EXIT_USAGE,
                           "--service own: the workers leave no processing unit free; take fewer, or --service shared");
    return 0;
}

int plan_make(struct plan *plan, struct results *results, const struct selection *sel, const struct terms *terms,
              const struct machine *machine, struct problem *problem)
{
    struct making m = {plan, results, sel, terms, machine, problem};
    *plan = (struct plan){.entries = NULL};
    if (settle_service(&m))
        return -1;
    for (const char *const *policy = terms->placements; *policy; policy++) {
        struct point p = {.placement = *policy, .idle = terms->idle};
        if (cross_selection(&m, p) || (sel->standard && add_standard(&m, p))) {
            plan_free(plan);
            return -1;
        }
    }
    return 0;
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        request_free(&plan->entries[i].request);
        free(plan->entries[i].times);
    }
    free(plan->entries);
    free(plan->everywhere);
    *plan = (struct plan){.entries = NULL};
}

size_t plan_measurable(const struct plan *plan, const struct results *results)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += results->cells[plan->entries[i].cell].status != CELL_NA;
    return count;
}

static bool same_reason(const struct cell *a, const struct cell *b)
{
    return strcmp(a->workload, b->workload) == 0 && strcmp(a->strategy, b->strategy) == 0 &&
           strcmp(a->variant, b->variant) == 0 && strcmp(a->reason, b->reason) == 0;
}

/* Those of n/a cells that differ in more than parameters. */
static size_t count_reasons(const struct results *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->cell_count; i++) {
        bool known = false;
        for (size_t k = 0; k < i && !known; k++)
            known = same_reason(&r->cells[k], &r->cells[i]);
        count += !known;
    }
    return count;
}

int plan_check(const struct plan *plan, const struct results *results, struct problem *problem)
{
    if (plan_measurable(plan, results))
        return 0;
    if (results->cell_count == 0)
        return problem_set(problem, EXIT_USAGE, "nothing is left to measure; see muster list");
    const struct cell *c = &results->cells[0];
    size_t more = count_reasons(results) - 1;
    char rest[80] = "";
    if (more)
        snprintf(rest, sizeof rest, "; and %zu more that cannot: see muster list", more);
    return problem_set(problem, EXIT_USAGE, "nothing can be measured: %s on %s%s%s: %s%s", c->workload, c->strategy,
                       c->variant_default ? "" : ":", c->variant_default ? "" : c->variant, c->reason, rest);
}

static unsigned add_unit(unsigned *units, unsigned count, unsigned room, unsigned pu)
{
    for (unsigned k = 0; k < count; k++)
        if (units[k] == pu)
            return count;
    if (count < room)
        units[count++] = pu;
    return count;
}

unsigned plan_cell_units(const struct request *r, unsigned *units, unsigned count, unsigned room)
{
    for (unsigned w = 0; r->pus && w < r->parameters.workers; w++)
        count = add_unit(units, count, room, r->pus[w]);
    return r->pus ? add_unit(units, count, room, (unsigned)r->service_pu) : count;
}

unsigned plan_units(const struct plan *plan, unsigned *units, unsigned room)
{
    unsigned count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count = plan_cell_units(&plan->entries[i].request, units, count, room);
    for (unsigned i = 0; i < plan->everywhere_count; i++)
        count = add_unit(units, count, room, plan->everywhere[i]);
    return count;
}

bool plan_two_units(const struct plan *plan, unsigned pair[2])
{
    return plan_units(plan, pair, 2) == 2;
}
