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

# ---- text: how often a term stands in a text made of the colour and the size

WORDS = ('<DerivedField name="words" optype="categorical" dataType="string"><Apply function="concat">%s</Apply></DerivedField>'
         % "".join([FIELD["color"], text(" balls, RED ones; "), FIELD["size"], text(" (big-reed) green "), FIELD["color"], text(" read it: rad-"), FIELD["size"]]))


def index(term, options="", normalizations=""):
    return f'<TextIndex textField="words" {options}>{normalizations}{text(term)}</TextIndex>'


def normalization(rows, options=""):
    cells = "".join(f"<row><string>{i}</string><stem>{o}</stem><regex>{str(r).lower()}</regex></row>" for i, o, r in rows)
    return f"<TextIndexNormalization {options}><InlineTable>{cells}</InlineTable></TextIndexNormalization>"


TEXTS = {
    "plain": index("red"),
    "case": index("red", 'isCaseSensitive="true"'),
    "phrase": index("red ones"),
    "binary": index("red", 'localTermWeights="binary"'),
    "logarithmic": index("red", 'localTermWeights="logarithmic"'),
    "edits": index("red", 'maxLevenshteinDistance="1"'),
    "edits_best": index("red", 'maxLevenshteinDistance="1" countHits="bestHits"'),
    "edits_phrase": index("read at", 'maxLevenshteinDistance="2"'),
    "separator": index("red", 'wordSeparatorCharacterRE="[\\s\\-]+"'),
    "normalized": index("red", "", normalization([("r[ea]+d", "red", True), ("big-", "", False)])),
    "recursive": index("rd", "", normalization([("ee", "e", False), ("red", "rd", False)], 'recursive="true"')),
    "normalized_case": index("red", "", normalization([("RED", "blue", False)], 'isCaseSensitive="true"')),
}
for name, expression in TEXTS.items():
    write(f"text_{name}", f'<RegressionModel functionName="regression">{schema("y")}'
          '<RegressionTable intercept="0"><NumericPredictor name="d" coefficient="1"/></RegressionTable></RegressionModel>',
          (DEFINED % expression).replace("<DerivedField", WORDS + "<DerivedField", 1))

# ---- neural networks


def network(target, activation, normalization="none", layer="", width=""):
    fields = ["a", "b"]
    inputs = "".join(f'<NeuralInput id="0,{i}"><DerivedField optype="continuous" dataType="double"><NormContinuous field="{f}">'
                     f'<LinearNorm orig="-2" norm="0"/><LinearNorm orig="2" norm="1"/></NormContinuous></DerivedField></NeuralInput>' for i, f in enumerate(fields))
    inputs += '<NeuralInput id="0,2"><DerivedField optype="continuous" dataType="double"><NormDiscrete field="color" value="red"/></DerivedField></NeuralInput>'

    def neurons(level, n, before, attributes="", bias=True):
        text = ""
        for i in range(n):
            cons = "".join(f'<Con from="{level - 1},{j}" weight="{number()}"/>' for j in range(before))
            text += f'<Neuron id="{level},{i}"{f" bias={chr(34)}{number()}{chr(34)}" if bias else ""}{attributes}>{cons}</Neuron>'
        return text

    outputs = 1 if target == "y" else 3
    layers = f'<NeuralLayer{layer}>{neurons(1, 4, 3, width, not width)}</NeuralLayer>'
    layers += f'<NeuralLayer activationFunction="identity" normalizationMethod="{normalization}">{neurons(2, outputs, 4)}</NeuralLayer>'
    if target == "y":
        last = ('<NeuralOutput outputNeuron="2,0"><DerivedField optype="continuous" dataType="double"><NormContinuous field="y">'
                '<LinearNorm orig="-300" norm="-100"/><LinearNorm orig="900" norm="100"/></NormContinuous></DerivedField></NeuralOutput>')
    else:
        last = "".join(f'<NeuralOutput outputNeuron="2,{i}"><DerivedField optype="categorical" dataType="string"><NormDiscrete field="kind" value="{k}"/></DerivedField></NeuralOutput>' for i, k in enumerate(KINDS))
    return (f'<NeuralNetwork functionName="{function_of(target)}" activationFunction="{activation}">{schema(target, ["a", "b", "color"])}{output(target)}'
            f"<NeuralInputs>{inputs}</NeuralInputs>{layers}<NeuralOutputs>{last}</NeuralOutputs></NeuralNetwork>")


for activation in ["logistic", "tanh", "identity", "exponential", "reciprocal", "square", "Gauss", "sine", "cosine", "Elliott", "arctan", "rectifier"]:
    write(f"network_{activation}", network("y", activation))
write("network_threshold", network("y", "threshold", layer=' threshold="0.2"'))
write("network_radial", network("y", "radialBasis", layer=' altitude="1.1"', width=' width="1.3"'))
write("network_class_softmax", network("kind", "tanh", "softmax"))

# ---- general regressions


def general(target, kind, attributes="", ordinal=False):
    names = ["p0", "p1", "p2", "p3", "p4"]
    cells = ('<PPCell value="1" predictorName="a" parameterName="p1"/><PPCell value="2" predictorName="b" parameterName="p2"/>'
             '<PPCell value="red" predictorName="color" parameterName="p3"/>'
             '<PPCell value="green" predictorName="color" parameterName="p4"/><PPCell value="1" predictorName="a" parameterName="p4"/>')
    reference = ""
    if target == "y":
        params = "".join(f'<PCell parameterName="{n}" beta="{abs(number()) / 4 + 0.05:.3f}" df="1"/>' for n in names)
    elif ordinal:
        params = "".join(f'<PCell targetCategory="{v}" parameterName="p0" beta="{b}" df="1"/>' for v, b in [("small", -0.7), ("medium", 0.9)])
        params += "".join(f'<PCell parameterName="{n}" beta="{number()}" df="1"/>' for n in names[1:])
    else:
        values = KINDS if target == "kind" else ["yes", "no"]
        reference = f' targetReferenceCategory="{values[-1]}"'
        params = "".join(f'<PCell targetCategory="{v}" parameterName="{n}" beta="{number()}" df="1"/>' for v in values[:-1] for n in names)
    return (f'<GeneralRegressionModel modelType="{kind}" functionName="{"classification" if ordinal else function_of(target)}"{reference} {attributes}>{schema(target, ["a", "b", "color"])}'
            + (output(target) if not ordinal else "<Output>" + "".join(f'<OutputField name="p_{v}" optype="continuous" dataType="double" feature="probability" value="{v}"/>' for v in ["small", "medium", "large"]) + "</Output>")
            + f'<ParameterList>{"".join(f"<Parameter name={chr(34)}{n}{chr(34)}/>" for n in names)}</ParameterList>'
            '<FactorList><Predictor name="color"/></FactorList><CovariateList><Predictor name="a"/><Predictor name="b"/></CovariateList>'
            f"<PPMatrix>{cells}</PPMatrix><ParamMatrix>{params}</ParamMatrix></GeneralRegressionModel>")


write("general_linear", general("y", "generalLinear"))
for link in ["identity", "log", "logit", "probit", "cloglog", "loglog", "logc"]:
    write(f"general_{link}", general("y", "generalizedLinear", f'linkFunction="{link}"'))
write("general_power", general("y", "generalizedLinear", 'linkFunction="power" linkParameter="2" offsetValue="30"'))
write("general_oddspower", general("y", "generalizedLinear", 'linkFunction="oddspower" linkParameter="0.5" offsetValue="1"'))
write("general_negbin", general("y", "generalizedLinear", 'linkFunction="negbin" distParameter="0.5" distribution="negbin" offsetValue="-30"'))
write("general_offset", general("y", "generalizedLinear", 'linkFunction="logit" offsetValue="0.4" trialsValue="7"'))
write("general_multinomial", general("kind", "multinomialLogistic"))
write("general_binary", general("sign", "generalizedLinear", 'linkFunction="logit"'))
write("general_ordinal", general("size", "ordinalMultinomial", 'cumulativeLink="logit"', True))

# ---- clusters, neighbours

MEASURES = {"euclidean": "distance", "squaredEuclidean": "distance", "chebychev": "distance", "cityBlock": "distance",
            "minkowski": "distance"}


def measure(metric, compare="absDiff"):
    return f'<ComparisonMeasure kind="{MEASURES.get(metric, "similarity")}" compareFunction="{compare}"><{metric}{" p-parameter=" + chr(34) + "3" + chr(34) if metric == "minkowski" else ""}/></ComparisonMeasure>'


def clusters(metric, compare="absDiff", weights="", binary=False):
    plain = "absDiff" if compare == "gaussSim" else compare
    centers = [[round(rng.uniform(0, 1)) if binary else number() for _ in range(3)] for _ in range(4)]
    body = "".join(f'<Cluster id="c{i}"><Array n="3" type="real">{" ".join(map(str, c))}</Array></Cluster>' for i, c in enumerate(centers))
    affinities = "<Output>" + "".join(f'<OutputField name="to_c{i}" optype="continuous" dataType="double" feature="affinity" value="c{i}"/>' for i in range(4)) + \
        '<OutputField name="own" optype="continuous" dataType="double" feature="affinity"/></Output>'
    fields = "".join(f'<ClusteringField field="{f}" fieldWeight="{w}"{" compareFunction=" + chr(34) + "gaussSim" + chr(34) + " similarityScale=" + chr(34) + "1.5" + chr(34) if compare == "gaussSim" else ""}/>' for f, w in [("a", 1), ("b", 2), ("k", 0.5)])
    return (f'<ClusteringModel functionName="clustering" modelClass="centerBased" numberOfClusters="4">{schema(None, ["a", "b", "k"])}{affinities}'
            f"{measure(metric, plain)}{fields}{weights}{body}</ClusteringModel>")


for metric in MEASURES:
    write(f"cluster_{metric}", clusters(metric))
write("cluster_gaussian", clusters("euclidean", "gaussSim"))
write("cluster_delta", clusters("cityBlock", "delta"))
write("cluster_weights", clusters("euclidean", weights='<MissingValueWeights><Array n="3" type="real">0.5 2 1</Array></MissingValueWeights>'))


def neighbors(target, attributes=""):
    table = ""
    for i in range(12):
        value = number() if target == "y" else rng.choice(KINDS)
        table += f"<row><id>n{i}</id><a>{number()}</a><b>{number()}</b><out>{value}</out></row>"
    rank = "<Output>" + "".join(f'<OutputField name="near_{r}" optype="categorical" dataType="string" feature="entityId" rank="{r}"/>' for r in (1, 2)) + "</Output>"
    return (f'<NearestNeighborModel functionName="{function_of(target)}" numberOfNeighbors="3" instanceIdVariable="id" {attributes}>{schema(target, ["a", "b"])}{rank}'
            '<TrainingInstances isTransformed="false"><InstanceFields><InstanceField field="id" column="id"/><InstanceField field="a" column="a"/><InstanceField field="b" column="b"/>'
            f'<InstanceField field="{target}" column="out"/></InstanceFields><InlineTable>{table}</InlineTable></TrainingInstances>'
            f'{measure("euclidean")}<KNNInputs><KNNInput field="a" compareFunction="absDiff"/><KNNInput field="b" fieldWeight="2" compareFunction="absDiff"/></KNNInputs></NearestNeighborModel>')


for method in ["average", "weightedAverage", "median"]:
    write(f"neighbors_{method}", neighbors("y", f'continuousScoringMethod="{method}"'))
for method in ["majorityVote", "weightedMajorityVote"]:
    write(f"neighbors_{method}", neighbors("kind", f'categoricalScoringMethod="{method}"'))

# ---- naive Bayes, support vectors


def counts(low=0):
    return '<TargetValueCounts>' + "".join(f'<TargetValueCount value="{k}" count="{rng.randrange(low, 40)}"/>' for k in KINDS) + "</TargetValueCounts>"


def stats(kind):
    if kind == "Gaussian":
        return "".join(f'<TargetValueStat value="{k}"><GaussianDistribution mean="{number()}" variance="{abs(number()) + 0.2:.3f}"/></TargetValueStat>' for k in KINDS)
    return "".join(f'<TargetValueStat value="{k}"><PoissonDistribution mean="{abs(number()) + 0.2:.3f}"/></TargetValueStat>' for k in KINDS)


BAYES = (f'<NaiveBayesModel functionName="classification" threshold="0.001">{schema("kind")}{output("kind")}<BayesInputs>'
         f'<BayesInput fieldName="color">{"".join(f"<PairCounts value={chr(34)}{v}{chr(34)}>{counts()}</PairCounts>" for v in ["red", "green", "blue"])}</BayesInput>'
         f'<BayesInput fieldName="size">{"".join(f"<PairCounts value={chr(34)}{v}{chr(34)}>{counts()}</PairCounts>" for v in ["small", "large"])}</BayesInput>'
         f'<BayesInput fieldName="a"><TargetValueStats>{stats("Gaussian")}</TargetValueStats></BayesInput>'
         f'<BayesInput fieldName="b"><DerivedField name="bin" optype="categorical" dataType="string"><Discretize field="b"><DiscretizeBin binValue="low"><Interval closure="openOpen" rightMargin="0"/></DiscretizeBin>'
         f'<DiscretizeBin binValue="high"><Interval closure="closedOpen" leftMargin="0"/></DiscretizeBin></Discretize></DerivedField>'
         f'{"".join(f"<PairCounts value={chr(34)}{v}{chr(34)}>{counts(1)}</PairCounts>" for v in ["low", "high"])}</BayesInput>'
         f'</BayesInputs><BayesOutput fieldName="kind">{counts(5)}</BayesOutput></NaiveBayesModel>')
write("bayes", BAYES)

KERNELS = {"linear": "<LinearKernelType/>", "polynomial": '<PolynomialKernelType gamma="0.7" coef0="0.5" degree="3"/>',
           "radial": '<RadialBasisKernelType gamma="0.4"/>', "sigmoid": '<SigmoidKernelType gamma="0.3" coef0="-0.2"/>'}


def machine(attributes, n=5):
    vectors = "".join(f'<SupportVector vectorId="v{i}"/>' for i in range(n))
    return (f'<SupportVectorMachine {attributes}><SupportVectors numberOfSupportVectors="{n}">{vectors}</SupportVectors>'
            f'<Coefficients absoluteValue="{number()}" numberOfCoefficients="{n}">{"".join(f"<Coefficient value={chr(34)}{number()}{chr(34)}/>" for _ in range(n))}</Coefficients></SupportVectorMachine>')


def support(target, kernel, machines, attributes=""):
    vectors = "".join(f'<VectorInstance id="v{i}"><REAL-SparseArray n="3"><Indices>1 2 3</Indices><REAL-Entries>{number()} {number()} {rng.randrange(2)}</REAL-Entries></REAL-SparseArray></VectorInstance>' for i in range(5))
    return (f'<SupportVectorMachineModel functionName="{function_of(target)}" {attributes}>{schema(target, ["a", "b", "color"])}{KERNELS[kernel]}'
            f'<VectorDictionary numberOfVectors="5"><VectorFields><FieldRef field="a"/><FieldRef field="b"/><CategoricalPredictor name="color" value="red" coefficient="1"/></VectorFields>{vectors}</VectorDictionary>'
            f"{machines}</SupportVectorMachineModel>")


for kernel in KERNELS:
    write(f"support_{kernel}", support("y", kernel, machine("")))
for wins in ["false"]:  # the reference has no maxWins
    write(f"support_all_{wins}", support("kind", "radial", "".join(machine(f'targetCategory="{k}"') for k in KINDS), f'classificationMethod="OneAgainstAll" maxWins="{wins}"'))
    write(f"support_one_{wins}", support("kind", "radial", "".join(machine(f'targetCategory="{a}" alternateTargetCategory="{b}"') for a, b in [("one", "two"), ("one", "three"), ("two", "three")]),
                                         f'classificationMethod="OneAgainstOne" maxWins="{wins}" threshold="0.1"'))

# ---- scorecards, rules


def scorecard(algorithm):
    attribute = lambda score, code, predicate: f'<Attribute partialScore="{score}"{f" reasonCode={chr(34)}{code}{chr(34)}" if code else ""}>{predicate}</Attribute>'
    body = ('<Characteristic name="A" reasonCode="RA" baselineScore="11">' + attribute(5, "", simple("a", "isMissing", None)) + attribute(9, "RA1", simple("a", "lessThan", -0.4)) + attribute(17, "", simple("a", "greaterOrEqual", -0.4)) + "</Characteristic>"
            '<Characteristic name="B" reasonCode="RB" baselineScore="20">' + attribute(25, "", simple("b", "lessThan", 0)) + attribute(12, "RB1", "<True/>") + "</Characteristic>"
            '<Characteristic name="C" reasonCode="RC" baselineScore="7">' + attribute(30, "RC1", simple("color", "equal", "red")) + attribute(3, "", simple("color", "equal", "blue")) + attribute(6, "RC2", "<True/>") + "</Characteristic>")
    codes = "<Output>" + "".join(f'<OutputField name="reason_{r}" optype="categorical" dataType="string" feature="reasonCode" rank="{r}"/>' for r in (1, 2, 3)) + "</Output>"
    return (f'<Scorecard functionName="regression" initialScore="2.5" useReasonCodes="true" reasonCodeAlgorithm="{algorithm}">{schema("y", ["a", "b", "color"])}{codes}<Characteristics>{body}</Characteristics></Scorecard>')


for algorithm in ["pointsBelow", "pointsAbove"]:
    write(f"scorecard_{algorithm}", scorecard(algorithm))


def rules(criterion):
    rule = lambda i, score, weight, confidence, predicate: f'<SimpleRule id="r{i}" score="{score}" weight="{weight}" confidence="{confidence}">{predicate}</SimpleRule>'
    body = (rule(1, "one", 0.6, 0.9, simple("a", "greaterThan", 0.5)) + rule(2, "two", 0.5, 0.8, simple("color", "equal", "red"))
            + f'<CompoundRule>{simple("b", "lessThan", 0.5)}' + rule(3, "three", 0.4, 0.7, simple("k", "greaterThan", 0)) + rule(4, "one", 0.3, 0.6, simple("size", "equal", "large")) + "</CompoundRule>")
    entity = '<Output><OutputField name="rule" optype="categorical" dataType="string" feature="entityId"/></Output>'
    return (f'<RuleSetModel functionName="classification">{schema("kind")}{entity}<RuleSet defaultScore="three" defaultConfidence="0.1"><RuleSelectionMethod criterion="{criterion}"/>{body}</RuleSet></RuleSetModel>')


for criterion in ["firstHit", "weightedSum", "weightedMax"]:
    write(f"rules_{criterion}", rules(criterion))

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
