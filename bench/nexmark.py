"""Queries of the public Nexmark suite, from the generator into blackhole.

The text of the queries is the suite's, but for: `dateTime` is quoted; q14's user function count_char is written with
CHAR_LENGTH and REPLACE; of q5, q7 and q8 only the windows run, not the joins of what they give.
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
CREATE VIEW person AS SELECT person.id, person.name, person.`emailAddress`, person.`creditCard`, person.city,
  person.state, `dateTime`, person.extra FROM nexmark WHERE event_type = 0;
CREATE TABLE nowhere ({sink}) WITH ('connector' = 'blackhole');
INSERT INTO nowhere
"""

RANKS = {"rank1": "price < 10000", "rank2": "price >= 10000 AND price < 1000000", "rank3": "price >= 1000000"}


def counts(what, name):
    """The columns of q15 to q17: the count of all, and of each rank of prices."""
    ranked = [f"COUNT({what}) FILTER (WHERE {prices}) AS {rank}_{name}" for rank, prices in RANKS.items()]
    return ", ".join([f"COUNT({what}) AS total_{name}", *ranked])


def counted(*names):
    return ", ".join(f"{prefix}_{name} BIGINT" for name in names for prefix in ("total", *RANKS))


DAY = "DATE_FORMAT(`dateTime`, 'yyyy-MM-dd')"
ALL_COUNTS = f"{counts('*', 'bids')}, {counts('DISTINCT bidder', 'bidders')}, {counts('DISTINCT auction', 'auctions')}"
BID = "auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, `dateTime` TIMESTAMP(3), extra VARCHAR"

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
    "q5": (
        "auction BIGINT, num BIGINT, starttime TIMESTAMP(3), endtime TIMESTAMP(3)",
        """
SELECT auction, COUNT(*) AS num, window_start AS starttime, window_end AS endtime
FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
GROUP BY auction, window_start, window_end""",
    ),
    "q7": (
        "maxprice BIGINT, `dateTime` TIMESTAMP(3)",
        """
SELECT MAX(price) AS maxprice, window_end AS `dateTime`
FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND)) GROUP BY window_start, window_end""",
    ),
    "q8": (
        "id BIGINT, name VARCHAR, starttime TIMESTAMP(3), endtime TIMESTAMP(3)",
        """
SELECT id, name, window_start AS starttime, window_end AS endtime
FROM TABLE(TUMBLE(TABLE person, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND)) GROUP BY id, name, window_start, window_end""",
    ),
    "q11": (
        "bidder BIGINT, bid_count BIGINT, starttime TIMESTAMP(3), endtime TIMESTAMP(3)",
        """
SELECT B.bidder, COUNT(*) AS bid_count, SESSION_START(B.`dateTime`, INTERVAL '10' SECOND) AS starttime,
  SESSION_END(B.`dateTime`, INTERVAL '10' SECOND) AS endtime
FROM bid B GROUP BY B.bidder, SESSION(B.`dateTime`, INTERVAL '10' SECOND)""",
    ),
    "q12": (
        "bidder BIGINT, bid_count BIGINT, starttime TIMESTAMP(3), endtime TIMESTAMP(3)",
        """
SELECT bidder, COUNT(*) AS bid_count, window_start AS starttime, window_end AS endtime
FROM TABLE(TUMBLE(TABLE (SELECT *, PROCTIME() AS p_time FROM bid), DESCRIPTOR(p_time), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end""",
    ),
    "q15": (
        f"`day` VARCHAR, {counted('bids', 'bidders', 'auctions')}",
        f"SELECT {DAY} AS `day`, {ALL_COUNTS} FROM bid GROUP BY {DAY}",
    ),
    "q16": (
        f"channel VARCHAR, `day` VARCHAR, `minute` VARCHAR, {counted('bids', 'bidders', 'auctions')}",
        f"""
SELECT channel, {DAY} AS `day`, MAX(DATE_FORMAT(`dateTime`, 'HH:mm')) AS `minute`, {ALL_COUNTS}
FROM bid GROUP BY channel, {DAY}""",
    ),
    "q17": (
        f"auction BIGINT, `day` VARCHAR, {counted('bids')}, min_price BIGINT, max_price BIGINT, avg_price BIGINT, sum_price BIGINT",
        f"""
SELECT auction, {DAY} AS `day`, {counts('*', 'bids')}, MIN(price) AS min_price, MAX(price) AS max_price,
  AVG(price) AS avg_price, SUM(price) AS sum_price
FROM bid GROUP BY auction, {DAY}""",
    ),
    "q18": (
        BID,
        """
SELECT auction, bidder, price, channel, url, `dateTime`, extra FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY `dateTime` DESC) AS rank_number FROM bid)
WHERE rank_number <= 1""",
    ),
    "q19": (
        f"{BID}, rank_number BIGINT",
        """
SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS rank_number FROM bid)
WHERE rank_number <= 10""",
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
