-- What billing providers said, the orders folded from it, and the credits posted for them.

-- Grain: one row per thing a provider said about one object. Append only; arriving twice is harmless,
-- because `fact_id` derives from the provider's own event id.
CREATE TABLE IF NOT EXISTS facts
(
    workspace_id     LowCardinality(String),
    connection_id    LowCardinality(String),
    kind             Enum8('order' = 1, 'subscription' = 2, 'customer' = 3, 'refund' = 4, 'checkout' = 5, 'dispute' = 6, 'payment' = 7),
    object_id        String,                        -- the provider's id
    version_at       DateTime64(3, 'UTC'),          -- the provider's own update time
    fact_id          UUID,
    event            LowCardinality(String),        -- order.paid, or poll
    order_ref        String,                        -- provider ids of what this object belongs to
    subscription_ref String,
    checkout_ref     String,
    customer_ref     String,
    payload          String,                        -- the neutral fact as JSON, without addresses
    received_at      DateTime64(3, 'UTC'),
    INDEX order_bloom order_ref TYPE bloom_filter GRANULARITY 1,
    INDEX subscription_bloom subscription_ref TYPE bloom_filter GRANULARITY 1,
    INDEX checkout_bloom checkout_ref TYPE bloom_filter GRANULARITY 1,
    INDEX customer_bloom customer_ref TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (workspace_id, kind, object_id, connection_id, version_at, fact_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Grain: one row per order (newest `version` wins): the fold of its facts, how it was matched to a
-- visitor, and the snapshot of the person's visitors its journey is read from.
CREATE TABLE IF NOT EXISTS orders
(
    workspace_id      LowCardinality(String),
    order_id          UUID,                         -- derived from provider, connection, provider's id
    version           UInt64,
    provider          LowCardinality(String),
    connection_id     LowCardinality(String),
    provider_order_id String,
    status            LowCardinality(String),
    kind              Enum8('new' = 1, 'renewal' = 2, 'upgrade' = 3, 'one_time' = 4, 'trial' = 5),
    booked            Bool,                         -- was paid: counts as revenue
    created_at        DateTime64(3, 'UTC'),
    paid_at           DateTime64(3, 'UTC'),         -- epoch when not booked
    anchor_at         DateTime64(3, 'UTC'),         -- touches after it never count
    currency          LowCardinality(String),
    net               Int64,                        -- after discount, before tax; minor units
    discount          Int64,
    tax               Int64,
    total             Int64,
    fee               Int64,
    fee_currency      LowCardinality(String),
    -- A refund that did not last is followed by an entry of the same id that takes its amounts back.
    refunds           Array(Tuple(refund_id UUID, at DateTime64(3, 'UTC'), net Int64, tax Int64, reason String)),
    refund_excess     Int64,                        -- given back beyond what was paid, without tax; not in refunds
    -- The same money in the workspace's report currency, converted once per order. While it is not converted it
    -- stands here as it is, in its own currency: never dropped, never zero.
    conversion        Enum8('same' = 1, 'converted' = 2, 'waiting' = 3, 'not_carried' = 4) DEFAULT 'same',
    report_currency   LowCardinality(String) DEFAULT currency,
    report_net        Int64 DEFAULT net,
    report_gross      Int64 DEFAULT net + tax,
    report_refunds    Array(Tuple(net Int64, gross Int64)) DEFAULT arrayMap(refund -> (refund.3, refund.3 + refund.4), refunds),
    rate_day          Date,                         -- whose rates were used; epoch when none
    rate_source       LowCardinality(String),
    rate_own          LowCardinality(String),       -- units of `currency` for one euro, as published
    rate_report       LowCardinality(String),       -- units of `report_currency` for one euro
    product_id        LowCardinality(String),
    product_name      LowCardinality(String),
    discount_code     LowCardinality(String),
    discount_id       LowCardinality(String),
    discount_name     LowCardinality(String),
    partner_code      LowCardinality(String),       -- of a partner's link, from the metadata of order or discount
    plan_interval     LowCardinality(String),       -- how often the product renews: day, week, month, year; '' when not
    country           LowCardinality(String),
    customer_id       String,
    subscription_id   String,
    checkout_id       String,
    root_order_id     UUID,                         -- whose journey earns: itself, or the subscription's first
    visitor_id        UUID,                         -- nil when unmatched
    match_method      LowCardinality(String),
    match_field       LowCardinality(String),
    match_evidence    LowCardinality(String),       -- signed, unsigned, forged, none
    disposable_email  Bool,                         -- of the buyer: a mail box that is thrown away
    person_keys       Array(UUID),
    visitors          Array(Tuple(visitor_id UUID, since DateTime64(3, 'UTC'), until DateTime64(3, 'UTC'))),
    state_hash        UInt64,                       -- of every column above but version
    updated_at        DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace_id, order_id)
-- Small granules and blocks: ids are random, so a few changed orders are a few places. Not all columns in one file,
-- though that would read those faster: the proof of every report reads five columns of all orders.
SETTINGS index_granularity = 1024, min_compress_block_size = 16384, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Grain: one row per (order, entry, earner): what each model gives this touch of this order's money.
-- Two columns per model, amount_<model> and parts_<model> (millionths of the order), are added at start
-- from the list of models. A changed order posts its old rows again with sign -1 beside the new ones,
-- in one insert; sums over sign × amount are right at every moment, merges fold the pairs away.
-- `views` says which views of the money a row belongs to, as bits: 1 net and 2 gross in the order's own currency,
-- 4 net and 8 gross in the report currency. Views that show an order alike share its rows, so that an order
-- without tax in the report currency has no more rows than it ever had.
-- `version` is a hash of the row, so a row and its cancellation always meet and equal rows are equal.
CREATE TABLE IF NOT EXISTS credits
(
    workspace_id  LowCardinality(String),
    booked_at     DateTime64(3, 'UTC'),             -- cash date: of the payment, or of the refund
    order_id      UUID,
    entry         Enum8('order' = 1, 'refund' = 2, 'reversal' = 3),   -- reversal: the end of a refund that failed
    entry_id      UUID,                             -- nil, or the refund's id
    touch_id      UUID,                             -- nil for direct and unattributed
    earner        Enum8('touch' = 1, 'direct' = 2, 'unattributed' = 3),
    facet_id      UInt64,
    touch_at      DateTime64(3, 'UTC'),             -- anchor for direct and unattributed
    order_at      DateTime64(3, 'UTC'),
    kind          Enum8('new' = 1, 'renewal' = 2, 'upgrade' = 3, 'one_time' = 4, 'trial' = 5),
    currency      LowCardinality(String),
    provider      LowCardinality(String),
    connection_id LowCardinality(String),
    product_id    LowCardinality(String),
    views         UInt8 DEFAULT 15,
    sign          Int8,
    version       UInt64,
    INDEX order_bloom order_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = VersionedCollapsingMergeTree(sign, version)
ORDER BY (workspace_id, booked_at, order_id, entry, entry_id, touch_id)
-- Granules small enough that the filter leaves most of them out when the credits of a few orders are read, and
-- blocks of one granule, so that nothing is unpacked beside it.
SETTINGS index_granularity = 1024, min_compress_block_size = 8192, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
