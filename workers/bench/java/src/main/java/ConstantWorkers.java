import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.camunda.zeebe.client.ZeebeClient;
import io.camunda.zeebe.client.api.worker.JobHandler;
import io.camunda.zeebe.client.api.worker.JobWorker;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Job workers that do nothing but give constant answers. Works from the line `go` to the line `rest`. */
public final class ConstantWorkers {
  public static void main(final String[] arguments) throws Exception {
    final JsonNode told = new ObjectMapper().readTree(new File(arguments[1]));
    final Map<String, String> answers = new HashMap<>();
    told.get("answers").fields().forEachRemaining(each -> answers.put(each.getKey(), each.getValue().toString()));
    final JobHandler answer =
        (client, job) -> client.newCompleteCommand(job.getKey()).variables(answers.get(job.getElementId())).send();
    final BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    try (ZeebeClient client = ZeebeClient.newClientBuilder().gatewayAddress(arguments[0]).usePlaintext().build()) {
      System.out.println("ready");
      while ("go".equals(in.readLine())) {
        final List<JobWorker> workers = new ArrayList<>();
        for (final JsonNode type : told.get("types")) {
          workers.add(
              client
                  .newWorker()
                  .jobType(type.asText())
                  .handler(answer)
                  .timeout(Duration.ofSeconds(60))
                  .maxJobsActive(32)
                  .fetchVariables("_")
                  .open());
        }
        System.out.println("working");
        in.readLine();
        workers.forEach(JobWorker::close);
        System.out.println("resting");
      }
    }
  }
}
