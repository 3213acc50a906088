-- What browsers sent, and what may earn credit.
-- Ids are 128 bits held as UUID: a visitor id or hit id is a ULID with the same bits
-- (`tributary id vis_…` converts). UUIDs sort by their second half here, so none leads a key.
-- `non_replicated_deduplication_window`: plain MergeTree ignores insert tokens without it.

-- Grain: one row per accepted hit.
CREATE TABLE IF NOT EXISTS hits
(
    workspace_id LowCardinality(String),
    hit_id       UUID,
    kind         Enum8('page' = 1, 'event' = 2, 'identify' = 3, 'image' = 4),
    at           DateTime64(3, 'UTC'),              -- browser's clock, corrected by the collector
    received_at  DateTime64(3, 'UTC'),
    visitor_id   UUID,                              -- nil without consent
    evidence     Enum8('none' = 0, 'signed' = 1, 'unsigned' = 2, 'forged' = 3),
    session_id   UUID,
    host         LowCardinality(String),
    path         String,
    query        String,                            -- person-identifying parameters removed
    referrer     String,
    name         LowCardinality(String),            -- of an event
    props        String,                            -- of an event: a flat JSON object
    device       LowCardinality(String),
    browser      LowCardinality(String),
    os           LowCardinality(String),
    country      LowCardinality(String),
    clock_offset_ms Int64,                          -- what the collector added to the browser's clock to get `at`
    engaged_ms   UInt32                             -- attention the page had, on the event `engaged`
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (workspace_id, at, hit_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Grain: one row per touch: the start of a visit that can earn credit.
-- A touch classified again is written again under the same key with a later `classified_at`.
CREATE TABLE IF NOT EXISTS touches
(
    workspace_id  LowCardinality(String),
    visitor_id    UUID,
    at            DateTime64(3, 'UTC'),
    touch_id      UUID,                             -- the hit that made it
    session_id    UUID,
    facet_id      UInt64,                           -- → facets: channel, source, campaign, …
    direct        Bool,
    reason        LowCardinality(String),           -- the rule that decided the channel
    rules_version UInt16,
    site_rules    UInt32,                           -- version of the workspace's own rules
    landing       String,                           -- raw input: page address
    referrer      String,                           -- raw input: document.referrer
    app           LowCardinality(String),           -- raw input: the app that the user agent names
    session_start Bool,                             -- raw input: a session began, not only a campaign
    click_param   LowCardinality(String),           -- gclid, msclkid, …
    click_value   String,
    received_at   DateTime64(3, 'UTC'),
    classified_at DateTime64(3, 'UTC'),
    INDEX received_minmax received_at TYPE minmax GRANULARITY 1,
    -- For reports, which ask by time: the same rows in that order.
    PROJECTION by_time (SELECT workspace_id, at, facet_id, visitor_id, touch_id, classified_at ORDER BY workspace_id, at),
    -- For reports over many days: how many touches each facet had on each day of UTC.
    PROJECTION by_day (SELECT workspace_id, toDate(at), facet_id, count() GROUP BY workspace_id, toDate(at), facet_id)
)
ENGINE = ReplacingMergeTree(classified_at)
ORDER BY (workspace_id, visitor_id, at, touch_id)
-- Not by month, and small granules: the journeys of a few orders read a few visitors' rows, each in one place.
-- Projections are made anew when a merge drops rows that were replaced, or a deletion some others.
SETTINGS index_granularity = 1024, deduplicate_merge_projection_mode = 'rebuild', lightweight_mutation_projection_mode = 'rebuild',
    non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Grain: one row per distinct set of dimension values; touches and credits point here,
-- so that neither carries eleven strings.
CREATE TABLE IF NOT EXISTS facets
(
    workspace_id LowCardinality(String),
    facet_id     UInt64,
    channel      LowCardinality(String),
    source       LowCardinality(String),
    medium       LowCardinality(String),
    campaign     String,
    content      String,
    term         String,
    landing_page String,
    referrer     LowCardinality(String),            -- host
    country      LowCardinality(String),
    device       LowCardinality(String),
    partner      LowCardinality(String)
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace_id, facet_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Grain: one row per facets that name a partner. Facets stand twice until a merge.
CREATE VIEW IF NOT EXISTS partner_codes AS
SELECT
    workspace_id,
    facet_id,
    toString(any(partner)) AS code
FROM facets
WHERE partner != ''
GROUP BY
    workspace_id,
    facet_id;

-- Grain: one row per (binding, person key): this visitor was seen to be this person.
CREATE TABLE IF NOT EXISTS bindings
(
    workspace_id LowCardinality(String),
    key_kind     Enum8('email' = 1, 'weak_email' = 2, 'user' = 3, 'customer' = 4, 'visitor' = 5),
    person_key   UUID,                              -- keyed hash; never the address itself; of kind visitor the other id
    visitor_id   UUID,
    at           DateTime64(3, 'UTC'),
    binding_id   UUID,                              -- rows of one binding share it
    source       Enum8('identify' = 1, 'order' = 2, 'checkout' = 3, 'retracted' = 4, 'handover' = 5),
    role_address Bool,                              -- info@, billing@: bound to few visitors only
    received_at  DateTime64(3, 'UTC'),
    INDEX visitor_bloom visitor_id TYPE bloom_filter GRANULARITY 1,
    INDEX received_minmax received_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (workspace_id, key_kind, person_key, visitor_id, binding_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Grain: hour, outcome and kind of hit: what was counted, what was not, and why.
CREATE TABLE IF NOT EXISTS outcomes
(
    workspace_id LowCardinality(String),            -- '' when the workspace is unknown
    hour         DateTime('UTC'),
    outcome      LowCardinality(String),            -- 'accepted', or the stable code of the reason
    kind         LowCardinality(String),            -- of the hit: page, event, identify, image; '' when it does not read
    hits         UInt64
)
ENGINE = SummingMergeTree(hits)
ORDER BY (workspace_id, hour, outcome, kind)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
