import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.CloseableIterator;

/** Runs queries.sql in a Flink of this process and writes recorded/NAME.txt: the columns' types, then the final rows or every change. */
public class Recorder {
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    List<String> only = Arrays.asList(args).subList(1, args.length);
    Configuration configuration = new Configuration();
    configuration.setString("parallelism.default", "1");
    configuration.setString("table.local-time-zone", "America/New_York");
    TableEnvironment flink =
        TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(configuration).build());
    String tables = Files.readString(folder.resolve("tables.sql")).replace("${data}", folder.resolve("data").toString());
    for (String statement : tables.split(";")) {
      if (!statement.isBlank()) flink.executeSql(statement);
    }
    Files.createDirectories(folder.resolve("recorded"));
    for (String section : Files.readString(folder.resolve("queries.sql")).split("\n(?=-- \\w+( \\(changelog\\))?\n)")) {
      String[] parts = section.split("\n", 2);
      String name = parts[0].substring(3).replace(" (changelog)", "");
      if (!name.matches("\\w+") || !(only.isEmpty() || only.contains(name))) continue;
      try {
        String query = parts[1].trim().replaceAll(";$", "");
        Files.write(folder.resolve("recorded").resolve(name + ".txt"), record(flink, query, parts[0].endsWith("(changelog)")));
      } catch (Exception failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) cause = cause.getCause();
        System.err.println(name + ": " + cause);
      }
    }
    System.exit(0);
  }

  static List<String> record(TableEnvironment flink, String query, boolean changelog) throws Exception {
    TableResult result = flink.executeSql(query);
    List<String> rows = new ArrayList<>();
    String types = result.getResolvedSchema().getColumnDataTypes().stream()
        .map(type -> type.getLogicalType().asSummaryString().replaceAll(" \\*\\w+\\*", "")).collect(Collectors.joining("; "));
    try (CloseableIterator<Row> changes = result.collect()) {
      while (changes.hasNext()) {
        Row row = changes.next();
        List<String> values = new ArrayList<>();
        for (int i = 0; i < row.getArity(); i++) values.add(json(row.getField(i)));
        String text = "[" + String.join(", ", values) + "]";
        RowKind kind = row.getKind();
        if (changelog) {
          rows.add(kind.shortString() + " " + text);
        } else if (kind == RowKind.INSERT || kind == RowKind.UPDATE_AFTER) {
          rows.add(text);
        } else {
          rows.remove(text);
        }
      }
    }
    if (!changelog) Collections.sort(rows);
    rows.add(0, types);
    return rows;
  }

  /** Numbers as JSON numbers, decimals with all their digits; all else as JSON texts. */
  static String json(Object value) {
    if (value == null) return "null";
    if (value instanceof BigDecimal) return ((BigDecimal) value).toPlainString();
    if (value instanceof Number && Double.isFinite(((Number) value).doubleValue())) return value.toString();
    if (value instanceof Boolean) return value.toString();
    if (value instanceof Object[]) {
      return "[" + Arrays.stream((Object[]) value).map(Recorder::json).collect(Collectors.joining(", ")) + "]";
    }
    if (value instanceof LocalDateTime) {
      value = ((LocalDateTime) value).format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSS"));
    }
    return '"' + value.toString().replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
  }
}
