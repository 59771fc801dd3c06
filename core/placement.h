/*  placement.h - the way from the slots as they are to the target that the claim wants, by moves that cost nothing.
 *
 *  A move only happens with its slot's consent: the owner of a partition's first filled slot assigns the vacant ones, and
 *  the owner of a slot gives it away itself. What counts is the set of a partition's owners, not their order, so two nodes
 *  never wait for each other to swap. Until slots with data can move, only those that are empty here do: an assigned
 *  slot was never acknowledged for, and one that is given away has nothing in it, so each quorum still meets each other.
 */
#ifndef CARTWHEEL_PLACEMENT_H
#define CARTWHEEL_PLACEMENT_H

#include "table.h"

typedef struct {
    slot_list_t assigned; /* vacant slots that are ours to assign: their new rows */
    slot_list_t gifts;    /* slots of ours that others should have: likewise */
    size_t vacant;        /* vacant slots that a member could hold, whoever assigns them */
    size_t misplaced;     /* slots that another member should have, likewise */
    size_t coming;        /* of both, those that `node` should have */
    bool whole;           /* each partition has an owner, as far as we know */
} plan_t;

/*  Compares the table's slots in effect with `target` (partition * n + slot; 0: nobody). `gifts` says whether slots that
 *  are filled may move. The lists are the caller's, to be freed with plan_clear. */
void plan_make (plan_t *self, const table_t *table, const uint64_t *target, uint64_t node,
                bool gifts);
void plan_clear (plan_t *self);

#endif
