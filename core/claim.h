/*  claim.h - who should own which slot: a pure function of the members, so every node computes the same target without
 *  asking anybody (Dynamo 6.2, strategy 3; docs/decisions says how it differs from Riak's claim).
 *
 *  The members are folded in the order of their joining: each step moves as few slots as it can (minimal-move), gives
 *  every node its share by weight as far as that is feasible, and keeps the replicas of a partition in distinct zones
 *  while there are enough of them.
 */
#ifndef CARTWHEEL_CLAIM_H
#define CARTWHEEL_CLAIM_H

#include "../messages/codec.h"

/*  Fills `owners` (partitions * n, at partition * n + slot) with nodes; 0 where there are fewer members than n. Only
 *  members that are joining or up hold slots. O (members * partitions * n) time and little memory. */
void claim_target (uint32_t partitions, uint8_t n, const member_list_t *members, uint64_t *owners);

#endif
