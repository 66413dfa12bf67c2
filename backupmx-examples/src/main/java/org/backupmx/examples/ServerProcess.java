package org.backupmx.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The reference server in a process of its own, which can be killed. */
final class ServerProcess {

    private static final long START_SECONDS = 60;
    private static final int MAX_OUTPUT_LINES = 1000;

    private final Process process;
    private final List<String> output = Collections.synchronizedList(new ArrayList<>());
    private final CompletableFuture<InetSocketAddress> address = new CompletableFuture<>();

    private ServerProcess(Process process) {
        this.process = process;
    }

    /** Starts the server from this JVM's own class path and waits until it listens. */
    static ServerProcess start(Path config) throws IOException, InterruptedException {
        return start(List.of("-cp", System.getProperty("java.class.path"), ReferenceServer.class.getName()), config);
    }

    /** Starts the server with the JVM arguments that name it, and waits until it listens. */
    static ServerProcess start(List<String> what, Path config) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder();
        builder.command()
                .add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        builder.command().addAll(what);
        builder.command().addAll(List.of("serve", "--config", config.toString()));
        ServerProcess server =
                new ServerProcess(builder.redirectErrorStream(true).start());
        Thread reader = new Thread(server::readOutput, "server-output");
        reader.setDaemon(true);
        reader.start();
        try {
            server.address.get(START_SECONDS, TimeUnit.SECONDS);
            return server;
        } catch (ExecutionException | TimeoutException e) {
            server.kill();
            throw new IOException("the server did not start; it said: " + server.output(), e);
        }
    }

    private void readOutput() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(ServeCommand.LISTENING) && !address.isDone()) {
                    String endpoint = line.substring(ServeCommand.LISTENING.length());
                    int colon = endpoint.lastIndexOf(':');
                    address.complete(new InetSocketAddress(
                            endpoint.substring(0, colon), Integer.parseInt(endpoint.substring(colon + 1))));
                } else if (output.size() < MAX_OUTPUT_LINES) {
                    output.add(line);
                }
            }
        } catch (IOException e) {
            output.add(e.toString());
        }
        address.completeExceptionally(new IOException("the process ended"));
    }

    /** Where it listens first. */
    InetSocketAddress address() {
        return address.join();
    }

    /** Where it listens first, as text. */
    String endpoint() {
        return address().getAddress().getHostAddress() + ":" + address().getPort();
    }

    /** What it has printed, up to a bound. */
    String output() {
        return String.join("\n", List.copyOf(output));
    }

    long pid() {
        return process.pid();
    }

    /** Ends it as SIGKILL does. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Ends it as SIGTERM does; false if it is still there after the time given. */
    boolean terminate(long seconds) throws InterruptedException {
        process.destroy();
        return process.waitFor(seconds, TimeUnit.SECONDS);
    }
}
