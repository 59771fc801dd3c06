/*  registry.h - the rows of ring and membership that this node keeps in its store, for gossip.
 *
 *  Only the replica has the store, so gossip asks it: `recall` reads everything back, `enact` writes rows (a row replaces
 *  the one of the same slot or member) and is answered when they are on disk.
 */
#ifndef CARTWHEEL_REGISTRY_H
#define CARTWHEEL_REGISTRY_H

#include "../messages/message.h"
#include "../store/store.h"

/*  Fills a recall_reply, which owns what it gets. STORE_OK, STORE_FAILED, or REGISTRY_DAMAGED when a row is none. */
enum { REGISTRY_DAMAGED = 2 };
int registry_recall (store_t *store, recall_reply_t *reply);

/*  Writes the rows into the open batch. */
int registry_enact (store_t *store, const enact_t *rows);

/*  Forgets all rows and the charter, in the open batch. */
int registry_dissolve (store_t *store);

#endif
