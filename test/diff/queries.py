"""Queries over the table t(id, a, b, x, s, d) that SQL of Flink and of DuckDB give the same rows for."""

import random


class Generator:
    """Expressions of three types, nested to a small depth. The same seed gives the same queries."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def integer(self, depth=2):
        if depth == 0:
            return self.pick("id", "a", "b", str(self.random.randint(0, 20)))
        left, right = self.integer(depth - 1), self.integer(depth - 1)
        return self.pick(
            f"({left} + {right})",
            f"({left} - {right})",
            f"({left} * {right})",
            f"MOD({left}, {self.random.randint(2, 9)})",
            f"ABS({left})",
            f"COALESCE({left}, {right})",
            f"NULLIF({left}, {right})",
            f"CHAR_LENGTH({self.string(depth - 1)})",
            f"CASE WHEN {self.condition(depth - 1)} THEN {left} ELSE {right} END",
            f"EXTRACT({self.pick('YEAR', 'MONTH', 'DAY', 'QUARTER', 'DOY')} FROM d)",
            f"POSITION({self.pick(chr(39) + 'a' + chr(39), chr(39) + 'ma' + chr(39))} IN {self.string(depth - 1)})",
        )

    def double(self, depth=2):
        if depth == 0:
            return self.pick("x", "CAST(a AS DOUBLE)", "CAST(1.5 AS DOUBLE)")
        left, right = self.double(depth - 1), self.double(depth - 1)
        return self.pick(
            f"({left} + {right})",
            f"({left} - {right})",
            f"({left} * {right})",
            f"ABS({left})",
            f"FLOOR({left})",
            f"CEIL({left})",
            f"SQRT(ABS({left}))",
            f"CASE WHEN {self.condition(depth - 1)} THEN {left} ELSE {right} END",
        )

    def string(self, depth=2):
        if depth == 0:
            return self.pick("s", "'lime'", "'tea 東京'")
        text = self.string(depth - 1)
        return self.pick(
            f"UPPER({text})",
            f"LOWER({text})",
            f"TRIM({text})",
            f"SUBSTRING({text}, {self.random.randint(1, 4)}, {self.random.randint(1, 4)})",
            f"({text} || '-' || {self.string(depth - 1)})",
            f"REPLACE({text}, 'a', 'oo')",
            f"REVERSE({text})",
            f"LEFT({text}, 3)",
            f"RIGHT({text}, 2)",
            f"LPAD({text}, 6, '*')",
            f"REPEAT({text}, 2)",
            f"COALESCE({text}, 'none')",
            f"CASE WHEN {self.condition(depth - 1)} THEN {text} ELSE 'other' END",
        )

    def condition(self, depth=2):
        if depth == 0:
            return self.pick("a > b", "a IS NULL", "s IS NOT NULL", "x < 50", "id <> 7")
        left, right = self.condition(depth - 1), self.condition(depth - 1)
        return self.pick(
            f"({left} AND {right})",
            f"({left} OR {right})",
            f"(NOT {left})",
            f"({self.integer(depth - 1)} {self.pick('<', '<=', '=', '<>', '>=', '>')} {self.integer(depth - 1)})",
            f"({self.string(depth - 1)} LIKE {self.pick(*(repr(p) for p in ('%a%', 'm_%', '%e', 'lime')))})",
            f"(a BETWEEN {self.integer(0)} AND {self.integer(0)})",
            f"(s IN ('lime', 'Mango', 'plum'))",
            f"(a NOT IN (1, 2, 3))",
            f"(d >= DATE '2024-02-01')",
            f"({left} IS TRUE)",
            f"(a IS NOT DISTINCT FROM b)",
        )

    def any(self):
        return self.pick(self.integer, self.double, self.string)()

    def projection(self):
        columns = [f"{self.any()} AS c{i}" for i in range(3)]
        return f"SELECT id, {', '.join(columns)} FROM t"

    def filter(self):
        return f"SELECT id, {self.any()} AS c FROM t WHERE {self.condition()}"

    def aggregation(self):
        key = self.pick("s", "MOD(a, 3)", "a > b", "EXTRACT(MONTH FROM d)")
        value = self.integer(1)
        return (
            f"SELECT {key} AS k, COUNT(*) AS n, COUNT({value}) AS c, SUM({value}) AS s, MIN({self.string(1)}) AS l, "
            f"MAX({self.double(1)}) AS m, COUNT(DISTINCT {self.integer(1)}) AS ds, "
            f"SUM(b) FILTER (WHERE {self.condition(1)}) AS f FROM t GROUP BY {key}"
        )

    def having(self):
        return f"SELECT s, AVG(x) AS m FROM t WHERE {self.condition(1)} GROUP BY s HAVING COUNT(*) > 2"

    def union(self):
        return f"SELECT {self.integer()} AS c FROM t UNION ALL SELECT {self.integer()} FROM t WHERE {self.condition(1)}"

    def subquery(self):
        return f"SELECT c, COUNT(*) AS n FROM (SELECT {self.string()} AS c FROM t WHERE {self.condition(1)}) AS q GROUP BY c"


def queries(seed, count):
    """`count` queries of all kinds in turn."""
    generator = Generator(seed)
    kinds = [generator.projection, generator.filter, generator.aggregation, generator.having, generator.union,
             generator.subquery]
    return [kinds[i % len(kinds)]() for i in range(count)]


def rows(seed, count):
    """Rows of t as csv; an empty field is NULL."""
    values = random.Random(seed)
    words = ["apple", "Mango", "lime", " plum ", "fig", "", "東京", "banana"]
    lines = []
    for i in range(count):
        lines.append(",".join([
            str(i),
            values.choice(["", str(values.randint(-20, 20))]) if i % 5 == 0 else str(values.randint(-20, 20)),
            str(values.randint(0, 9)),
            "" if i % 11 == 0 else repr(values.randint(-4000, 4000) / 16),
            values.choice(words),
            f"2024-{values.randint(1, 12):02}-{values.randint(1, 28):02}",
        ]))
    return "\n".join(lines) + "\n"
