/*  tour_acts.c - see tour_acts.h. */
#include "tour_acts.h"

#include <inttypes.h>

#include "tour_cart.h"
#include "tour_load.h"
#include "tour_progress.h"
#include "tour_tasks.h"

#define ACTS_TICK_MS 20u
/*  While a node is still to be killed: half of a short load is over soon. */
#define ACTS_AIM_MS 2u
/*  The node that is killed. */
#define ACTS_VICTIM 1u

typedef struct {
    const tour_t *tour;
    cluster_t *cluster;
    const records_t *records;
} acts_t;

/*  Follows a load to its end; kills a node in the middle of it if `crash`. */
static int s_follow (const acts_t *self, load_t *load, const char *title, bool crash)
{
    progress_t progress;
    progress_begin (&progress, title, load->records->count);
    while (!load_over (load)) {
        size_t done = atomic_load (&load->done);
        progress_show (&progress, done);
        if (crash && done >= load->records->count / 2) {
            tour_node_t *victim = &self->cluster->nodes[ACTS_VICTIM];
            crash = false;
            tour_node_kill (victim);
            atomic_store (&load->crash_us, tour_now_us ());
            progress_break (&progress);
            tour_tell ("  SIGKILL of %s with %zu records acknowledged and writes on their way",
                       victim->name, done);
        }
        if (tour_wait (self->tour, crash ? ACTS_AIM_MS : ACTS_TICK_MS) ||
            !cluster_runs (self->cluster)) {
            progress_break (&progress);
            return -1;
        }
    }
    progress_show (&progress, atomic_load (&load->done));
    progress_break (&progress);
    if (!crash || atomic_load (&load->done) < load->records->count)
        return 0;
    tour_complain (
        "the load was over before a node could be killed in the middle of it; take more records");
    return -1;
}

/*  Does the task with all records. 0 when each of them was as it should be. */
static int s_load (const acts_t *self, const char *title, load_task_t *task, bool crash,
                   summary_t *summary)
{
    load_t load;
    int rc = load_begin (&load, self->tour, self->cluster, self->records, task);
    if (!rc)
        rc = s_follow (self, &load, title, crash);
    uint64_t wrong = load_end (&load, rc != 0, summary);
    if (rc)
        return -1;
    if (wrong) {
        tour_complain (
            "%" PRIu64 " records are not as they should be; the first one is named above", wrong);
        return -1;
    }
    if (summary->done == self->records->count)
        return 0;
    tour_complain ("%zu of %zu records were done", summary->done, self->records->count);
    return -1;
}

/* ---- the acts ---- */

static int s_write_all (const acts_t *self)
{
    summary_t summary;
    tour_tell ("Loading with %zu clients on all nodes; in the middle of it one node is killed.",
               self->tour->clients);
    if (s_load (self, "loading", task_write, true, &summary))
        return -1;
    tour_report ("written", &summary.latency, self->records->bytes, summary.took_us);
    if (summary.after.count)
        tour_report_latency ("in the 5 s after the kill", &summary.after);
    tour_tell ("  errors to a client: none; %" PRIu64
               " requests were sent again, with their put_id",
               summary.traffic.resends);
    return 0;
}

static int s_read_all (const acts_t *self)
{
    summary_t summary;
    tour_tell ("Reading every record back at r = 2 from the two nodes that are left.");
    if (s_load (self, "reading", task_read, false, &summary))
        return -1;
    tour_report ("read", &summary.latency, self->records->bytes, summary.took_us);
    tour_tell ("  all %zu records are there, each with one value, byte for byte",
               self->records->count);
    return 0;
}

/*  Follows the hints until none is left. */
static int s_wait_hints (const acts_t *self, uint64_t hints)
{
    progress_t progress;
    uint64_t total = hints;
    uint64_t limit_us = tour_now_us () + (uint64_t) self->tour->wait_s * 1000000;
    progress_begin (&progress, "delivering", total);
    while (!cluster_hints (self->cluster, &hints) || hints) {
        total = hints > total ? hints : total;
        progress.total = total;
        progress_show (&progress, total - hints);
        if (tour_now_us () > limit_us) {
            progress_break (&progress);
            tour_complain ("%" PRIu64 " hints were not delivered within %zu s", hints,
                           self->tour->wait_s);
            return -1;
        }
        if (tour_wait (self->tour, ACTS_TICK_MS) || !cluster_runs (self->cluster)) {
            progress_break (&progress);
            return -1;
        }
    }
    progress_show (&progress, total);
    progress_break (&progress);
    return 0;
}

/*  The dead node comes back, and gets what it has missed. */
static int s_return (const acts_t *self)
{
    uint64_t hints = 0;
    const char *name = self->cluster->nodes[ACTS_VICTIM].name;
    if (!cluster_hints (self->cluster, &hints)) {
        tour_complain ("a node does not say how many hints it holds");
        return -1;
    }
    tour_tell ("Starting %s again; %" PRIu64 " hints wait for it.", name, hints);
    uint64_t began_us = tour_now_us ();
    if (cluster_start (self->cluster, self->tour))
        return -1;
    tour_tell ("  ready after %.2f s", (double) (tour_now_us () - began_us) / 1e6);
    if (s_wait_hints (self, hints))
        return -1;
    tour_tell ("  all hints were delivered %.2f s after its start",
               (double) (tour_now_us () - began_us) / 1e6);
    return 0;
}

static int s_compare_all (const acts_t *self)
{
    summary_t summary;
    tour_tell ("Comparing the digests of all replicas of every record.");
    if (s_load (self, "comparing", task_compare, false, &summary))
        return -1;
    tour_tell ("  compared in %.1f s: the three replicas of all %zu records are equal",
               (double) summary.took_us / 1e6, self->records->count);
    /* The killed node may have stored what it had not told anyone yet: no hint is for that. */
    tour_tell ("  %" PRIu64 " of them differed until a read mended them", summary.mended);
    return 0;
}

static int s_stop (const acts_t *self)
{
    tour_tell ("Stopping the nodes with SIGTERM.");
    if (cluster_stop (self->cluster, self->tour))
        return -1;
    tour_tell ("  each ended with status 0; their folder takes %.0f MB",
               (double) folder_disk (&self->cluster->folder) / 1e6);
    return 0;
}

int acts_play (const tour_t *tour, cluster_t *cluster, const records_t *records)
{
    const acts_t self = {.tour = tour, .cluster = cluster, .records = records};
    if (cluster_start (cluster, tour))
        return -1;
    tour_tell ("Three nodes are one cluster, n = 3 and r = w = 2; data in %s.",
               cluster->folder.path);
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        tour_tell ("  %s at %s", cluster->nodes[i].name, cluster->nodes[i].client);
    if (s_write_all (&self) || s_read_all (&self) || s_return (&self) || s_compare_all (&self))
        return -1;
    tour_tell ("A shopping cart: a phone talks to %s, a laptop to %s.", cluster->nodes[0].name,
               cluster->nodes[ACTS_VICTIM].name);
    if (cart_run (cluster->nodes[0].client, cluster->nodes[ACTS_VICTIM].client))
        return -1;
    return s_stop (&self);
}
