/*  announce.h - what gossip tells the roles of its own node, and the world: the ring, who is reachable, what changed.
 */
#ifndef CARTWHEEL_ANNOUNCE_H
#define CARTWHEEL_ANNOUNCE_H

#include "gossip.h"

/*  Gives each role a snapshot with a new sequence number. */
void announce_ring (gossip_t *self, effects_t *effects);

/*  Gives each role a ring without members or owners: this node is in no cluster any more. Operations that are under way
 *  end as if all had gone. */
void announce_none (gossip_t *self, effects_t *effects);
/*  Gives the newest snapshot to the roles that have not said that they have it. */
void announce_again (gossip_t *self, effects_t *effects);
/*  A role says that it has a snapshot. */
void announce_seen (gossip_t *self, role_id_t role, uint64_t sequence);
/*  Tells the roles whom we reach, and each peer's newest stamp. */
void announce_peers (const gossip_t *self, effects_t *effects);
/*  Tells of the peers that came or went since the last time, if any did. */
void announce_changes (gossip_t *self, effects_t *effects);
/*  Publishes the rows that tell a member's new state, compared with the table in effect. */
void announce_members (const gossip_t *self, const member_list_t *rows, effects_t *effects);

#endif
