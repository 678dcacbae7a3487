"""Stateless queries of the public Nexmark suite, from the generator into blackhole.

The text of the queries is the suite's, but for: `dateTime` is quoted; q14's user function count_char is written with
CHAR_LENGTH and REPLACE.
"""

from measure import RESOLUTION, Table, limit, medians, per_second, sql, verdict

TABLES = """
CREATE TABLE nexmark (
  event_type INT,
  person ROW<id BIGINT, name STRING, `emailAddress` STRING, `creditCard` STRING, city STRING, state STRING,
    `dateTime` TIMESTAMP(3), extra STRING>,
  auction ROW<id BIGINT, `itemName` STRING, description STRING, `initialBid` BIGINT, reserve BIGINT,
    `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3),
    extra STRING>,
  `dateTime` TIMESTAMP(3),
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH ('connector' = 'nexmark', 'events.num' = '{events}');
CREATE VIEW bid AS SELECT bid.auction, bid.bidder, bid.price, bid.channel, bid.url, `dateTime`, bid.extra
  FROM nexmark WHERE event_type = 2;
CREATE TABLE nowhere ({sink}) WITH ('connector' = 'blackhole');
INSERT INTO nowhere
"""

QUERIES = {
    "q0": (
        "auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), extra VARCHAR",
        "SELECT auction, bidder, price, `dateTime`, extra FROM bid",
    ),
    "q1": (
        "auction BIGINT, bidder BIGINT, price DECIMAL(23, 3), `dateTime` TIMESTAMP(3), extra VARCHAR",
        "SELECT auction, bidder, 0.908 * price AS price, `dateTime`, extra FROM bid",
    ),
    "q2": (
        "auction BIGINT, price BIGINT",
        "SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0",
    ),
    "q14": (
        "auction BIGINT, bidder BIGINT, price DECIMAL(23, 3), bidTimeType VARCHAR, `dateTime` TIMESTAMP(3), "
        "extra VARCHAR, c_counts BIGINT",
        """
SELECT auction, bidder, 0.908 * price AS price,
  CASE
    WHEN HOUR(`dateTime`) >= 8 AND HOUR(`dateTime`) <= 18 THEN 'dayTime'
    WHEN HOUR(`dateTime`) <= 6 OR HOUR(`dateTime`) >= 20 THEN 'nightTime'
    ELSE 'otherTime'
  END AS bidTimeType,
  `dateTime`, extra, CHAR_LENGTH(extra) - CHAR_LENGTH(REPLACE(extra, 'c', '')) AS c_counts
FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000""",
    ),
    "q21": (
        "auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, channel_id VARCHAR",
        """
SELECT auction, bidder, price, channel,
  CASE
    WHEN LOWER(channel) = 'apple' THEN '0'
    WHEN LOWER(channel) = 'google' THEN '1'
    WHEN LOWER(channel) = 'facebook' THEN '2'
    WHEN LOWER(channel) = 'baidu' THEN '3'
    ELSE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2)
  END AS channel_id
FROM bid WHERE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) IS NOT NULL OR
  LOWER(channel) IN ('apple', 'google', 'facebook', 'baidu')""",
    ),
    "q22": (
        "auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, dir1 VARCHAR, dir2 VARCHAR, dir3 VARCHAR",
        """
SELECT auction, bidder, price, channel,
  SPLIT_INDEX(url, '/', 3) AS dir1, SPLIT_INDEX(url, '/', 4) AS dir2, SPLIT_INDEX(url, '/', 5) AS dir3
FROM bid""",
    ),
}


def script(query, events):
    sink, select = QUERIES[query]
    return TABLES.format(events=events, sink=sink) + select + ";"


def report(sizes):
    cases = {"start": sql(script("q0", 1)), "generator": limit("nexmark", sizes.events)}
    for query in QUERIES:
        cases[query] = sql(script(query, sizes.events))
    done = medians(cases, sizes.runs)
    generator = done["generator"].cpu
    table = Table(
        f"Nexmark: {sizes.events:,} events; the limit is the generator alone",
        ["query", "events / CPU s", "CPU s", "peak MB", "generator CPU s", "of its rate", "aim", ""],
    )
    for query in QUERIES:
        net = max(done[query].cpu - done["start"].cpu, RESOLUTION)
        share = generator / net
        table.lines.append(
            [
                query,
                per_second(sizes.events, net),
                f"{net:.3f}",
                f"{done[query].memory:.0f}",
                f"{generator:.3f}",
                *(verdict(share, 0.8) if query == "q0" else [f"{share:.2f}", "", ""]),
            ]
        )
    return [table]
