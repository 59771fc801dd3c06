/*  test_registry.c - rows of ring and membership in a store: written, replaced, read back, and damaged. */
#include "drive.h"

#include "core/registry.h"
#include "store/memory_store.h"

static void s_enact (store_t *store, const snapshot_t *table)
{
    enact_t rows = {.charter = table->charter, .members = table->members, .slots = table->slots};
    cr_assert_eq (registry_enact (store, &rows), STORE_OK);
    cr_assert_eq (store_commit (store), STORE_OK);
}

/*  Whether what is read back is this table, in whatever order; frees what was read. */
static void s_check (store_t *store, const snapshot_t *table)
{
    recall_reply_t reply = {0};
    cr_assert_eq (registry_recall (store, &reply), STORE_OK);
    cr_assert (codec_equal (&charter_schema, &reply.charter, &table->charter));
    cr_assert_eq (reply.members.count, table->members.count);
    cr_assert_eq (reply.slots.count, table->slots.count);
    for (size_t i = 0; i < table->members.count; i++) {
        bool found = false;
        for (size_t j = 0; j < reply.members.count && !found; j++)
            found = codec_equal (&member_schema, &table->members.items[i], &reply.members.items[j]);
        cr_assert (found, "member %zu", i);
    }
    for (size_t i = 0; i < table->slots.count; i++) {
        bool found = false;
        for (size_t j = 0; j < reply.slots.count && !found; j++)
            found = codec_equal (&slot_schema, &table->slots.items[i], &reply.slots.items[j]);
        cr_assert (found, "slot %zu", i);
    }
    codec_clear (&recall_reply_schema, &reply);
}

Test (registry, an_empty_store_remembers_nothing)
{
    store_t *store = memory_store_new (DURABILITY_BATCH);
    recall_reply_t reply = {0};
    cr_assert_eq (registry_recall (store, &reply), STORE_OK);
    cr_assert_eq (reply.charter.node + reply.members.count + reply.slots.count, 0);
    codec_clear (&recall_reply_schema, &reply);
    store_destroy (&store);
}

Test (registry, rows_are_read_back_and_replaced)
{
    settings_t settings = drive_settings (512, 3, 2, 2); /* partitions of two bytes */
    store_t *store = memory_store_new (DURABILITY_BATCH);
    message_t *message = drive_snapshot (&settings, 5);
    snapshot_t *table = &message->snapshot;
    table->members.items[3].node = 0xff00ff00ff00ff00u;
    s_enact (store, table);
    s_check (store, table);
    table->charter.boots = 7;
    table->members.items[3].version = 9;
    table->members.items[3].state = MEMBER_LEAVING;
    table->slots.items[1000].version = 4;
    table->slots.items[1000].owner = 5;
    s_enact (store, table);
    s_check (store, table);
    message_destroy (&message);
    store_destroy (&store);
}

Test (registry, rows_alone_leave_the_charter)
{
    settings_t settings = drive_settings (4, 1, 1, 1);
    store_t *store = memory_store_new (DURABILITY_BATCH);
    message_t *message = drive_snapshot (&settings, 1);
    s_enact (store, &message->snapshot);
    slot_t slot = {.partition = 3, .slot = 0, .version = 8, .owner = 1};
    enact_t rows = {.slots = {&slot, 1}};
    cr_assert_eq (registry_enact (store, &rows), STORE_OK);
    message->snapshot.slots.items[3].version = 8;
    s_check (store, &message->snapshot);
    message_destroy (&message);
    store_destroy (&store);
}

Test (registry, a_row_that_is_none_is_damage)
{
    static const struct {
        store_database_t database;
        const char *key;
    } places[] = {{STORE_MEMBERS, "charter"}, {STORE_MEMBERS, "member123"}, {STORE_SLOTS, "abc"}};
    for (size_t i = 0; i < 3; i++) {
        settings_t settings = drive_settings (4, 1, 1, 1);
        store_t *store = memory_store_new (DURABILITY_BATCH);
        message_t *message = drive_snapshot (&settings, 1);
        s_enact (store, &message->snapshot);
        cr_assert_eq (store_put (store, places[i].database, bytes_text (places[i].key),
                                 bytes_text ("what is this")),
                      STORE_OK);
        recall_reply_t reply = {0};
        cr_assert_eq (registry_recall (store, &reply), REGISTRY_DAMAGED, "%s", places[i].key);
        codec_clear (&recall_reply_schema, &reply);
        message_destroy (&message);
        store_destroy (&store);
    }
}

Test (registry, what_is_dissolved_is_forgotten)
{
    settings_t settings = drive_settings (512, 3, 2, 2);
    store_t *store = memory_store_new (DURABILITY_BATCH);
    message_t *message = drive_snapshot (&settings, 5);
    s_enact (store, &message->snapshot);
    cr_assert_eq (store_put (store, STORE_DATA, bytes_text ("k"), bytes_text ("v")), STORE_OK);
    cr_assert_eq (registry_dissolve (store), STORE_OK);
    recall_reply_t reply = {0};
    cr_assert_eq (registry_recall (store, &reply), STORE_OK);
    cr_assert_eq (reply.charter.node + reply.members.count + reply.slots.count, 0);
    codec_clear (&recall_reply_schema, &reply);
    bytes_t value;
    cr_assert_eq (store_get (store, STORE_DATA, bytes_text ("k"), &value), STORE_OK, "rows alone");
    message_destroy (&message);
    store_destroy (&store);
}

Test (registry, a_store_that_fails_is_no_absence)
{
    settings_t settings = drive_settings (4, 1, 1, 1);
    store_t *store = memory_store_new (DURABILITY_BATCH);
    message_t *message = drive_snapshot (&settings, 1);
    memory_store_fail_commit (store);
    cr_assert_eq (store_commit (store), STORE_FAILED);
    recall_reply_t reply = {0};
    cr_assert_eq (registry_recall (store, &reply), STORE_FAILED);
    codec_clear (&recall_reply_schema, &reply);
    enact_t rows = {.charter = message->snapshot.charter};
    cr_assert_eq (registry_enact (store, &rows), STORE_FAILED);
    message_destroy (&message);
    store_destroy (&store);
}
