#!/usr/bin/env python3
"""Writes rows.csv and the documents of models/: every kind of model, each strategy and method once."""

import pathlib
import random

HERE = pathlib.Path(__file__).parent
rng = random.Random(11)

DICTIONARY = """<DataDictionary>
<DataField name="a" optype="continuous" dataType="double"/>
<DataField name="b" optype="continuous" dataType="double"/>
<DataField name="c" optype="continuous" dataType="float"/>
<DataField name="k" optype="continuous" dataType="integer"/>
<DataField name="color" optype="categorical" dataType="string"><Value value="red"/><Value value="green"/><Value value="blue"/></DataField>
<DataField name="size" optype="ordinal" dataType="string"><Value value="small"/><Value value="medium"/><Value value="large"/></DataField>
<DataField name="y" optype="continuous" dataType="double"/>
<DataField name="kind" optype="categorical" dataType="string"><Value value="one"/><Value value="two"/><Value value="three"/></DataField>
<DataField name="sign" optype="categorical" dataType="string"><Value value="yes"/><Value value="no"/></DataField>
</DataDictionary>"""
INPUTS = ["a", "b", "c", "k", "color", "size"]
KINDS = ["one", "two", "three"]


def schema(target, fields=INPUTS, extra=None):
    extra = extra or {}
    active = "".join(f'<MiningField name="{f}"{extra.get(f, "")}/>' for f in fields)
    return f'<MiningSchema>{active}{f"<MiningField name={chr(34)}{target}{chr(34)} usageType={chr(34)}target{chr(34)}/>" if target else ""}</MiningSchema>'


def output(target):
    values = {"kind": KINDS, "sign": ["yes", "no"]}.get(target)
    if not values:
        return ""
    return "<Output>" + "".join(
        f'<OutputField name="p_{v}" optype="continuous" dataType="double" feature="probability" value="{v}"/>' for v in values
    ) + "</Output>"


def write(name, model, transformations=""):
    (HERE / "models" / f"{name}.pmml").write_text(
        '<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">\n<Header/>\n'
        f"{DICTIONARY}\n{transformations}\n{model}\n</PMML>\n"
    )


def function_of(target):
    return "classification" if target in ("kind", "sign") else "regression"


# ---- trees


def number():
    return round(rng.uniform(-2, 2), 3)


def test_of(depth, sets=True):
    """A predicate and its complement."""
    choice = rng.randrange(5 if sets else 3)
    if choice < 3:
        field, value = rng.choice("abc"), round(rng.uniform(-1, 1), 2)
        return (f'<SimplePredicate field="{field}" operator="lessOrEqual" value="{value}"/>',
                f'<SimplePredicate field="{field}" operator="greaterThan" value="{value}"/>')
    if choice == 3:
        values = rng.sample(["red", "green", "blue"], 2)
        array = f'<Array n="2" type="string">{" ".join(values)}</Array>'
        return (f'<SimpleSetPredicate field="color" booleanOperator="isIn">{array}</SimpleSetPredicate>',
                f'<SimpleSetPredicate field="color" booleanOperator="isNotIn">{array}</SimpleSetPredicate>')
    value = rng.randrange(-3, 4)
    return (f'<SimplePredicate field="k" operator="lessThan" value="{value}"/>',
            f'<SimplePredicate field="k" operator="greaterOrEqual" value="{value}"/>')


def node(depth, target, predicate="<True/>", ids=None, sets=True, inner_scores=True):
    ids = ids if ids is not None else [0]
    ids[0] += 1
    own = ids[0]
    records = rng.randrange(20, 200)
    leaf = depth == 0
    score = inside = ""
    if target == "y":
        score = f' score="{number()}"'
    elif target:
        counts = [rng.randrange(1, 50) for _ in KINDS]
        records = sum(counts)
        score = f' score="{KINDS[counts.index(max(counts))]}"'
        inside = "".join(f'<ScoreDistribution value="{v}" recordCount="{c}"/>' for v, c in zip(KINDS, counts))
    if not leaf and not inner_scores:
        score = inside = ""
    children = default = ""
    if not leaf:
        first, second = test_of(depth, sets)
        default = f' defaultChild="{own + 1}"'
        children = node(depth - 1, target, first, ids, sets, inner_scores) + node(depth - 1, target, second, ids, sets, inner_scores)
    return f'<Node id="{own}"{score} recordCount="{records}"{default}>{predicate}{inside}{children}</Node>\n'


def tree(target, depth=4, attributes="", sets=True, inner=False, inner_scores=True):
    return (f'<TreeModel functionName="{function_of(target)}" splitCharacteristic="binarySplit" {attributes}>'
            f'{schema(target)}{"" if inner else output(target)}{node(depth, target, sets=sets, inner_scores=inner_scores)}</TreeModel>')


for strategy in ["none", "lastPrediction", "nullPrediction", "defaultChild"]:
    write(f"tree_{strategy}", tree("y", attributes=f'missingValueStrategy="{strategy}"'))
    write(f"tree_class_{strategy}", tree("kind", attributes=f'missingValueStrategy="{strategy}" noTrueChildStrategy="returnLastPrediction"'))
write("tree_leaves_only", tree("y", attributes='noTrueChildStrategy="returnLastPrediction"', inner_scores=False))


def simple(field, operator, value):
    return f'<SimplePredicate field="{field}" operator="{operator}"' + (f' value="{value}"/>' if value is not None else "/>")


def compound(operator, *parts):
    return f'<CompoundPredicate booleanOperator="{operator}">{"".join(parts)}</CompoundPredicate>'


PREDICATES = {
    "and": compound("and", simple("a", "greaterThan", 0), simple("color", "equal", "red"), simple("k", "notEqual", 1)),
    "or": compound("or", simple("a", "lessThan", -0.5), simple("color", "notEqual", "blue")),
    "xor": compound("xor", simple("a", "greaterOrEqual", 0), simple("b", "lessOrEqual", 0), simple("k", "equal", 2)),
    "surrogate": compound("surrogate", simple("a", "greaterThan", 0), simple("b", "greaterThan", 0), simple("color", "equal", "green")),
    "missing": compound("or", simple("c", "isMissing", None), compound("and", simple("k", "isNotMissing", None), simple("a", "lessThan", 0.3))),
    "ordinal": compound("and", simple("size", "equal", "medium"), simple("a", "isNotMissing", None)),
    "nested": compound("and", compound("or", simple("a", "lessThan", 0), simple("b", "lessThan", 0)),
                       compound("or", simple("c", "lessThan", 0), compound("and", simple("color", "equal", "red"), simple("k", "greaterThan", 0)))),
}
for name, predicate in PREDICATES.items():
    for strategy in ["none", "lastPrediction", "nullPrediction"]:
        body = (f'<Node id="1" score="0.5"><True/><Node id="2" score="1">{predicate}</Node>'
                f'<Node id="3" score="2">{simple("b", "lessThan", 0.4)}</Node></Node>')
        write(f"predicate_{name}_{strategy}", f'<TreeModel functionName="regression" missingValueStrategy="{strategy}">{schema("y")}{body}</TreeModel>')

# ---- regression


def table(target=None, category=True, terms=True):
    attribute = f' targetCategory="{target}"' if target else ""
    text = f'<RegressionTable intercept="{number()}"{attribute}>'
    text += f'<NumericPredictor name="a" coefficient="{number()}"/><NumericPredictor name="b" exponent="2" coefficient="{number()}"/>'
    if category:
        for value in ["red", "green"]:
            text += f'<CategoricalPredictor name="color" value="{value}" coefficient="{number()}"/>'
    if terms:
        text += f'<PredictorTerm coefficient="{number()}"><FieldRef field="a"/><FieldRef field="b"/></PredictorTerm>'
    return text + "</RegressionTable>"


def regression(target, method="none", inner=False, targets="", extra=None):
    if target == "y":
        tables = table()
    elif target == "sign":
        tables = table("yes") + '<RegressionTable intercept="0" targetCategory="no"/>'
    else:
        tables = "".join(table(kind) for kind in KINDS)
    return (f'<RegressionModel functionName="{function_of(target)}" normalizationMethod="{method}">'
            f'{schema(target, ["a", "b", "color"], extra)}{"" if inner else output(target)}{targets}{tables}</RegressionModel>')


for method in ["none", "softmax", "logit", "exp", "probit", "cloglog", "loglog", "cauchit"]:
    write(f"regression_{method}", regression("y", method))
for method in ["softmax", "logit", "probit", "cloglog", "loglog", "cauchit", "none"]:
    write(f"regression_binary_{method}", regression("sign", method))
for method in ["softmax", "simplemax", "none", "logit"]:
    write(f"regression_classes_{method}", regression("kind", method))
for cast in ["round", "ceiling", "floor"]:
    write(f"targets_{cast}", regression("y", targets=(
        f'<Targets><Target field="y" min="-1.5" max="2.5" rescaleFactor="3" rescaleConstant="0.25" castInteger="{cast}">'
        '<TargetValue defaultValue="0.5"/></Target></Targets>')))
write("targets_rescale", regression("y", targets='<Targets><Target field="y" min="-1.5" max="2.5" rescaleFactor="3" rescaleConstant="0.25"/></Targets>'))

TREATMENTS = {
    "missing_replaced": {"a": ' missingValueReplacement="0.75"', "color": ' missingValueReplacement="green" missingValueTreatment="asMode"'},
    "outliers_extreme": {"a": ' outliers="asExtremeValues" lowValue="-0.5" highValue="0.5"'},
    "outliers_missing": {"a": ' outliers="asMissingValues" lowValue="-0.5" highValue="0.5" missingValueReplacement="9"'},
    "invalid_missing": {"color": ' invalidValueTreatment="asMissing" missingValueReplacement="red"'},
    "invalid_as_is": {"color": ' invalidValueTreatment="asIs"'},
    "invalid_as_value": {"color": ' invalidValueTreatment="asValue" invalidValueReplacement="green"'},
    "missing_refused": {"a": ' missingValueTreatment="returnInvalid"'},
}
for name, extra in TREATMENTS.items():
    write(f"treatment_{name}", regression("y", extra=extra))

# ---- mining models


def mining(target, method, segments, attributes="", rest=""):
    return (f'<MiningModel functionName="{function_of(target)}">{schema(target)}{output(target) if not rest else rest}'
            f'<Segmentation multipleModelMethod="{method}" {attributes}>{segments}</Segmentation></MiningModel>')


def segment(index, model, predicate="<True/>"):
    return f'<Segment id="{index}" weight="{index + 0.5}">{predicate}{model}</Segment>'


def trees(target, n=5, attributes='missingValueStrategy="defaultChild"', predicates=False):
    text = ""
    for i in range(n):
        predicate = simple("a", "lessThan", round(1 - 0.4 * i, 1)) if predicates and i % 2 else "<True/>"
        text += segment(i, tree(target, 3, attributes, inner=True), predicate)
    return text


for method in ["sum", "average", "weightedAverage", "median", "weightedMedian"]:
    write(f"mining_{method}", mining("y", method, trees("y")))
    write(f"mining_{method}_predicates", mining("y", method, trees("y", predicates=True)))
for method in ["majorityVote", "weightedMajorityVote", "average", "weightedAverage", "median", "max"]:
    write(f"mining_class_{method}", mining("kind", method, trees("kind")))
for treatment in ["continue", "skipSegment", "returnMissing"]:
    for method in ["average", "sum", "median"]:
        write(f"mining_{method}_missing_{treatment}", mining("y", method, trees("y", attributes='missingValueStrategy="nullPrediction"'),
              f'missingPredictionTreatment="{treatment}"'))
    if treatment != "continue":  # the reference has no clear order of a missing vote
        write(f"mining_vote_missing_{treatment}", mining("kind", "majorityVote", trees("kind", attributes='missingValueStrategy="nullPrediction"'),
          f'missingPredictionTreatment="{treatment}"'))
FIRST = (segment(1, tree("kind", 2, inner=True), simple("a", "lessThan", -0.5)) + segment(2, regression("kind", "softmax", inner=True), simple("color", "equal", "red"))
         + segment(3, tree("kind", 3, inner=True)))
write("mining_select_first", mining("kind", "selectFirst", FIRST))
BOOST = segment(1, mining("y", "sum", trees("y", 4)).replace("</MiningSchema>",
        '</MiningSchema><Output><OutputField name="raw" optype="continuous" dataType="double" feature="predictedValue" isFinalResult="false"/>'
        '<OutputField name="scaled" optype="continuous" dataType="double" feature="transformedValue" isFinalResult="false">'
        '<Apply function="*"><FieldRef field="raw"/><Constant dataType="double">1.7</Constant></Apply></OutputField></Output>', 1).replace('<MiningField name="y" usageType="target"/></MiningSchema><Output>', "</MiningSchema><Output>", 1))
write("mining_chain", mining("sign", "modelChain", BOOST + segment(2, '<RegressionModel functionName="classification" normalizationMethod="logit">'
      '<MiningSchema><MiningField name="scaled"/><MiningField name="sign" usageType="target"/></MiningSchema>' + output("sign") +
      '<RegressionTable targetCategory="yes" intercept="0.1"><NumericPredictor name="scaled" coefficient="1"/></RegressionTable>'
      '<RegressionTable targetCategory="no" intercept="0"/></RegressionModel>'), rest=" "))

# ---- transformations: one linear model over each derived field

FIELD = {n: f'<FieldRef field="{n}"/>' for n in INPUTS}


def apply(function, *arguments, attributes=""):
    return f'<Apply function="{function}"{attributes}>{"".join(FIELD.get(a, a) if isinstance(a, str) else f"<Constant>{a}</Constant>" for a in arguments)}</Apply>'


def text(value):
    return f'<Constant dataType="string">{value}</Constant>'


EXPRESSIONS = {
    "norm_continuous": '<NormContinuous field="a"><LinearNorm orig="-1" norm="0"/><LinearNorm orig="0.2" norm="0.5"/><LinearNorm orig="1" norm="1"/></NormContinuous>',
    "norm_extreme": '<NormContinuous field="a" outliers="asExtremeValues" mapMissingTo="0.3"><LinearNorm orig="-1" norm="0"/><LinearNorm orig="1" norm="1"/></NormContinuous>',
    "norm_missing": '<NormContinuous field="a" outliers="asMissingValues"><LinearNorm orig="-1" norm="0"/><LinearNorm orig="1" norm="1"/></NormContinuous>',
    "norm_discrete": '<NormDiscrete field="color" value="red"/>',
    "norm_discrete_missing": '<NormDiscrete field="color" value="red" mapMissingTo="0.4"/>',
    "discretize": '<Discretize field="a" dataType="double" defaultValue="7" mapMissingTo="8"><DiscretizeBin binValue="1"><Interval closure="openClosed" rightMargin="-0.4"/></DiscretizeBin>'
                  '<DiscretizeBin binValue="2"><Interval closure="openOpen" leftMargin="-0.4" rightMargin="0.5"/></DiscretizeBin></Discretize>',
    "map_values": '<MapValues outputColumn="out" dataType="double" defaultValue="5" mapMissingTo="6"><FieldColumnPair field="color" column="color"/><FieldColumnPair field="size" column="size"/>'
                  '<InlineTable><row><color>red</color><size>small</size><out>1</out></row><row><color>green</color><size>large</size><out>2</out></row></InlineTable></MapValues>',
    "if": apply("if", apply("greaterThan", "a", 0), "a", apply("*", "b", 2)),
    "if_missing": apply("if", apply("isMissing", "a"), 7, "a"),
    "default": apply("+", "a", "b", attributes=' defaultValue="4"'),
    "map_missing": apply("+", "a", "b", attributes=' mapMissingTo="4"'),
    "integer_division": apply("/", "k", 2),
    "division": apply("/", "a", "b"),
    "arithmetic": apply("-", apply("*", "a", 3), apply("+", "b", "k")),
    "min_max": apply("+", apply("min", "a", "b"), apply("max", "a", "k")),
    "sum_avg": apply("+", apply("sum", "a", "b", "k"), apply("avg", "a", "b")),
    "product": apply("product", "a", "b"),
    "exp_ln": apply("+", apply("exp", "a"), apply("ln", apply("+", apply("abs", "b"), 1))),
    "powers": apply("+", apply("pow", "a", 3), apply("sqrt", apply("abs", "b"))),
    "log10": apply("log10", apply("+", apply("abs", "b"), 0.1)),
    "rounding": apply("+", apply("floor", "a"), apply("+", apply("ceil", "b"), apply("round", apply("*", "a", 2.5)))),
    "rint": apply("rint", apply("*", "k", 0.5)),
    "modulo": apply("modulo", "k", 3),
    "threshold": apply("threshold", "a", 0.1),
    "trigonometry": apply("+", apply("sin", "a"), apply("+", apply("cos", "b"), apply("atan", "a"))),
    "hyperbolic": apply("+", apply("tanh", "a"), apply("+", apply("expm1", "b"), apply("ln1p", apply("abs", "a")))),
    "hypot": apply("hypot", "a", "b"),
    "normal": apply("+", apply("stdNormalCDF", "a"), apply("stdNormalPDF", "b")),
    "normal_idf": apply("stdNormalIDF", apply("stdNormalCDF", "a")),
    "logic": apply("if", apply("and", apply("lessThan", "a", 0.2), apply("or", apply("equal", "color", text("red")), apply("notEqual", "k", 1))), 1, 2),
    "not_in": apply("if", apply("not", apply("isIn", "color", text("red"), text("blue"))), 1, 2),
    "is_not_in": apply("if", apply("isNotIn", "k", 1, 2), 1, 2),
    "compare": apply("if", apply("lessOrEqual", "a", "b"), 1, 2),
    "string_length": apply("stringLength", apply("concat", "color", text("-x"))),
    "substring": apply("stringLength", apply("substring", "color", 2, 2)),
    "upper": apply("if", apply("equal", apply("uppercase", "color"), text("RED")), 1, 2),
    "lower_trim": apply("if", apply("equal", apply("lowercase", apply("trimBlanks", text("  Red "))), "color"), 1, 2),
    "replace": apply("stringLength", apply("replace", "color", text("e+"), text("zz"))),
    "matches": apply("if", apply("matches", "color", text("re")), 1, 2),
    "days": apply("dateDaysSinceYear", '<Constant dataType="date">2003-04-01</Constant>', 1960),
    "seconds": apply("dateSecondsSinceYear", '<Constant dataType="dateTime">1960-01-03T03:30:03</Constant>', 1960),
    "midnight": apply("dateSecondsSinceMidnight", '<Constant dataType="time">05:23:30</Constant>'),
    "defined": apply("twice", apply("twice", "a")),
}
DEFINED = ('<TransformationDictionary><DefineFunction name="twice" optype="continuous" dataType="double"><ParameterField name="x" optype="continuous" dataType="double"/>'
           '<Apply function="*"><FieldRef field="x"/><Constant>2</Constant></Apply></DefineFunction>'
           '<DerivedField name="d" optype="continuous" dataType="double">%s</DerivedField></TransformationDictionary>')
for name, expression in EXPRESSIONS.items():
    write(f"expression_{name}", f'<RegressionModel functionName="regression">{schema("y")}'
          '<RegressionTable intercept="0"><NumericPredictor name="d" coefficient="1"/></RegressionTable></RegressionModel>', DEFINED % expression)

# ---- rows

def rows(invalid):
    lines = [",".join(INPUTS)]
    for i in range(60):
        cells = [f"{rng.gauss(0, 1):.4f}", f"{rng.gauss(0, 1):.4f}", f"{rng.gauss(0, 1):.3f}", str(rng.randrange(-3, 5)),
                 rng.choice(["red", "green", "blue"]), rng.choice(["small", "medium", "large"])]
        if i >= 20:
            for at in range(len(cells)):
                if rng.random() < 0.15:
                    cells[at] = ""
        if invalid and i in (7, 16):
            cells[4] = "purple"
        if invalid and i in (3, 17):
            cells[0] = "oops"
        if i == 12:
            cells[0] = "0"
        if i == 13:
            cells[1] = "0"
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


(HERE / "rows.csv").write_text(rows(False))
(HERE / "invalid.csv").write_text(rows(True))
