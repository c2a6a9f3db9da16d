import java.io.IOException;

/**
 * Runs one node. Arguments: its folder, then its settings as name=value. RUNNER stands for the engine's own runner:
 * the runners of OpenSearch and Elasticsearch are alike, but share no type.
 *
 * The runner's own main cannot listen above port 9299, moves to the next port when one is taken, lets nodes of
 * different clusters find each other, and exits without a word when a node does not start.
 */
public class StartEngine {
    public static void main(String[] arguments) throws InterruptedException {
        RUNNER runner = new RUNNER();
        runner.setMaxHttpPort(-1);
        runner.onBuild((number, settings) -> {
            for (int i = 1; i < arguments.length; i++) {
                String[] setting = arguments[i].split("=", 2);
                settings.put(setting[0], setting[1]);
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                runner.close();
            } catch (IOException e) {
                e.printStackTrace();
            }
        }));
        try {
            runner.build("-basePath", arguments[0], "-numOfNode", "1");
        } catch (RuntimeException e) {
            e.printStackTrace();
            System.exit(1);
        }
        Thread.currentThread().join();
    }
}
