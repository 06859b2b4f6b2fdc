import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.opensearch.Version;
import org.opensearch.common.settings.Settings;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;
import org.opensearch.transport.TransportService;

/** One node of OpenSearch with the plugins on the class path. It ends when its standard input does. */
public final class Main extends Node {
    private static final List<String> PLUGINS = List.of(
            "org.opensearch.transport.Netty4",
            "org.opensearch.analysis.common.CommonAnalysis",
            "org.opensearch.painless.Painless");

    @SuppressWarnings({"rawtypes", "unchecked"})
    private Main(Settings settings) throws ClassNotFoundException {
        super(
                InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "node"),
                (Collection) findPlugins(),
                false);
    }

    /** Plugins as the node's constructor wants them: before version 3 classes, since then descriptions. */
    private static Collection<?> findPlugins() throws ClassNotFoundException {
        Collection<Object> found = new ArrayList<>();
        for (String plugin : PLUGINS) {
            if (Version.CURRENT.major < 3) {
                found.add(Class.forName(plugin + "Plugin"));
            } else {
                String name = plugin + "ModulePlugin";
                found.add(new PluginInfo(name, name, "", Version.CURRENT, "17", name, List.of(), false));
            }
        }
        return found;
    }

    /** Takes the node's settings as NAME=VALUE; prints its HTTP and its transport address, a line each. */
    public static void main(String[] arguments) throws Exception {
        // The logs go to what is the standard output at first use: keep that for the addresses.
        PrintStream output = System.out;
        System.setOut(System.err);
        Settings.Builder settings = Settings.builder();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            settings.put(argument.substring(0, equals), argument.substring(equals + 1));
        }
        try (Node node = new Main(settings.build()).start()) {
            output.println(node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress());
            output.println(node.injector().getInstance(TransportService.class).boundAddress().publishAddress());
            while (System.in.read() >= 0) {}
        }
        System.exit(0);
    }
}
