/*  table.h - who is a member and who holds which slot: the rows that all nodes come to agree on (Dynamo 4.8.1).
 *
 *  Each row has one writer at a time and a version that only rises, so tables merge row by row, in any order and any
 *  number of times. A row takes effect when it is on disk, not before: the table holds what is in effect beside what is
 *  known, and table_flush takes out what waits to be persisted. Of rows that wait, the newest of each id wins.
 *
 *  Rows from outside are checked by member_valid and slot_valid before they are offered.
 */
#ifndef CARTWHEEL_TABLE_H
#define CARTWHEEL_TABLE_H

#include "../messages/message.h"

/*  A member. */
typedef struct {
    member_t now;    /* in effect; node 0: not yet */
    member_t newest; /* as far as it is known: persisted, or about to be */
    bool queued;     /* `newest` waits for table_flush */
} entry_t;

typedef struct {
    charter_t charter;                   /* owned */
    bool charter_queued;                 /* it waits for table_flush */
    entry_t *members;                    /* sorted by node */
    size_t members_count;                /* at most LIMIT_MEMBERS_COUNT */
    slot_t *slots;                       /* in effect: partition * n + slot; version 0: no row */
    slot_t *newest;                      /* likewise, as far as they are known */
    bool *queued;                        /* likewise, what waits for table_flush */
    size_t queued_count;                 /* members and slots that wait */
    uint64_t groups[LIMIT_GROUPS_COUNT]; /* hashes of the slots in effect */
    bool stale[LIMIT_GROUPS_COUNT];      /* that hash is to be made anew */
} table_t;

/*  An empty table of the cluster that the charter tells of, which is copied, and waits to be persisted. The charter's
 *  partitions and n must be within their limits. */
void table_init (table_t *self, const charter_t *charter);
void table_clear (table_t *self);

/*  Whether a row may come into this table: names that can be shown, numbers within their ranges, a version. */
bool member_valid (const member_t *row);
bool slot_valid (const table_t *self, const slot_t *row);

/*  Puts a row in effect at once, because the folder had it. */
void table_recall_member (table_t *self, const member_t *row);
void table_recall_slot (table_t *self, const slot_t *row);

/*  Takes a row when it is newer than what is known, to be persisted. Whether it was. Copies it. */
bool table_offer_member (table_t *self, const member_t *row);
bool table_offer_slot (table_t *self, const slot_t *row);
/*  Has the member's newest row persisted (again). */
void table_queue_member (table_t *self, uint64_t node);

/*  Whether something waits to be persisted. */
bool table_waits (const table_t *self);
/*  Moves what waits into an `enact`, whose lists must be empty. */
void table_flush (table_t *self, enact_t *enact);
/*  The rows are on disk: they are in effect now. */
void table_enacted (table_t *self, const member_list_t *members, const slot_list_t *slots);

/*  NULL when there is no such member; `now.node` is 0 in an entry that is not in effect yet. */
const entry_t *table_find (const table_t *self, uint64_t node);
/*  The row in effect, or NULL. */
const member_t *table_member (const table_t *self, uint64_t node);
/*  Whether a row in effect says that the node is joining, up or leaving. */
bool table_active (const table_t *self, uint64_t node);
/*  The slot's row in effect. */
const slot_t *table_slot (const table_t *self, uint32_t partition, uint8_t slot);

/*  The rows in effect of all members: views, in a list whose `items` the caller frees with free (). */
member_list_t table_members (const table_t *self);
/*  Fills a snapshot, which is the caller's, with what is in effect. */
void table_snapshot (const table_t *self, snapshot_t *snapshot);

/*  How many groups the slots have in a digest, and which one a partition is in: an equal share of the partitions each. */
size_t table_groups (const table_t *self);
size_t table_group (const table_t *self, uint32_t partition);
/*  The hash of the group's rows in effect: equal where those are equal. */
uint64_t table_group_hash (table_t *self, size_t group);

#endif
