import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jpmml.evaluator.Computable;
import org.jpmml.evaluator.Evaluator;
import org.jpmml.evaluator.InputField;
import org.jpmml.evaluator.LoadingModelEvaluatorBuilder;
import org.jpmml.evaluator.OutputField;
import org.jpmml.evaluator.TargetField;

/**
 * Recorder all ROWS.csv MODELS RECORDED [NAME…]: scores the rows with each document of the folder MODELS; "treatment_…"
 * those of invalid.csv.
 * Recorder record ROWS.csv MODEL.pmml OUT.csv [SEPARATOR COLUMN,COLUMN…]: the same with one document.
 * Recorder bench ROWS.csv MODEL.pmml [SEPARATOR COLUMN,COLUMN…]: rows per second of one thread.
 * An empty cell is a missing value; a row that cannot be scored is "error" in each column.
 */
public class Recorder {
  private static Evaluator evaluator;
  private static final List<Map<String, Object>> rows = new ArrayList<>();

  public static void main(String[] args) throws Exception {
    Path table = Path.of(args[1]);
    if (args[0].equals("all")) {
      List<String> names = List.of(args).subList(4, args.length);
      File[] models = new File(args[2]).listFiles();
      Arrays.sort(models);
      for (File model : models) {
        String name = model.getName().replace(".pmml", "");
        if (!names.isEmpty() && !names.contains(name)) continue;
        try {
          load(model.getPath(), name.startsWith("treatment_") ? table.resolveSibling("invalid.csv") : table, ",", null);
        } catch (Exception refused) {
          System.err.println(name + " is refused: " + refused);
          continue;
        }
        record(Path.of(args[3], name + ".csv"));
      }
      return;
    }
    int more = args[0].equals("record") ? 4 : 3;
    load(args[2], table, args.length > more ? args[more] : ",", args.length > more + 1 ? args[more + 1] : null);
    if (args[0].equals("record")) record(Path.of(args[3]));
    else bench(args[2]);
  }

  private static void load(String model, Path table, String separator, String names) throws Exception {
    evaluator = new LoadingModelEvaluatorBuilder().load(new File(model)).build();
    evaluator.verify();
    rows.clear();
    read(table, separator, names);
  }

  private static void read(Path path, String separator, String names) throws Exception {
    List<String> lines = Files.readAllLines(path);
    String[] header = (names == null ? lines.remove(0) : names).split(names == null ? separator : ",");
    for (String line : lines) {
      String[] cells = line.split(separator, -1);
      Map<String, Object> row = new LinkedHashMap<>();
      for (InputField field : evaluator.getInputFields()) {
        for (int i = 0; i < header.length; ++i) {
          if (header[i].equals(field.getName())) row.put(field.getName(), cells[i].isEmpty() ? null : cells[i]);
        }
      }
      rows.add(row);
    }
  }

  private static List<String> names() {
    List<String> names = new ArrayList<>();
    for (TargetField field : evaluator.getTargetFields()) names.add(Objects.toString(field.getName(), "prediction"));
    for (OutputField field : evaluator.getOutputFields()) names.add(field.getName());
    return names;
  }

  private static void record(Path out) throws Exception {
    List<String> names = names();
    StringBuilder text = new StringBuilder(String.join(",", names)).append('\n');
    for (Map<String, Object> row : rows) {
      List<String> cells = new ArrayList<>();
      try {
        Map<String, ?> results = evaluator.evaluate(row);
        for (String name : names) {
          Object value = results.get(name.equals("prediction") && !results.containsKey(name) ? null : name);
          if (value instanceof Computable computable) value = computable.getResult();
          cells.add(Objects.toString(value, ""));
        }
      } catch (Exception refused) {
        if (System.getenv("VERBOSE") != null) System.err.println(row + ": " + refused);
        for (String name : names) cells.add("error");
      }
      text.append(String.join(",", cells)).append('\n');
    }
    Files.write(out, text.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** The rows as a stream would bring them: numbers already. */
  private static void bench(String model) {
    List<Map<String, Object>> parsed = new ArrayList<>();
    for (Map<String, Object> row : rows) {
      Map<String, Object> numbers = new LinkedHashMap<>();
      row.forEach((name, value) -> numbers.put(name, value == null ? null : Double.valueOf((String) value)));
      parsed.add(numbers);
    }
    double best = 0;
    for (int round = 0; round < 12; ++round) {
      long begin = System.nanoTime(), scored = 0;
      while (System.nanoTime() - begin < 1_000_000_000L) {
        for (Map<String, Object> row : parsed) evaluator.evaluate(row);
        scored += parsed.size();
      }
      best = Math.max(best, scored * 1e9 / (System.nanoTime() - begin));
    }
    System.out.printf("%s: %.0f rows/s%n", new File(model).getName(), best);
  }
}
