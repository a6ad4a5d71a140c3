import ij.ImagePlus;
import ij.Prefs;
import ij.measure.Measurements;
import ij.measure.ResultsTable;
import ij.plugin.filter.Binary;
import ij.plugin.filter.EDM;
import ij.plugin.filter.ParticleAnalyzer;
import ij.process.AutoThresholder;
import ij.process.ByteProcessor;
import ij.process.ColorProcessor;
import ij.process.ImageProcessor;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * ImageJ's threshold and watershed in a process of its own, warm.
 *
 * One line in on the standard input, tab separated: raw RGB file, rows, columns, file for the labels (int32, little
 * endian), least area and greatest area in pixels. One line out: a JSON object with the seconds of wall and of CPU
 * from colour array to the table of measured particles.
 */
public class ImageJWorker {
    public static void main(String[] arguments) throws Exception {
        System.setProperty("java.awt.headless", "true");
        Prefs.blackBackground = true;
        BufferedReader tasks = new BufferedReader(new InputStreamReader(System.in));
        System.out.println("{\"ready\": true}");
        for (String line = tasks.readLine(); line != null; line = tasks.readLine()) {
            String[] task = line.split("\t");
            int rows = Integer.parseInt(task[1]), columns = Integer.parseInt(task[2]);
            double least = Double.parseDouble(task[4]), most = Double.parseDouble(task[5]);
            int[] pixels = read(Path.of(task[0]), rows * columns);
            long wall = System.nanoTime(), cpu = cpu();
            ByteProcessor binary = segment(new ColorProcessor(columns, rows, pixels));
            analyse(binary, ParticleAnalyzer.SHOW_NONE, least, most);
            wall = System.nanoTime() - wall;
            cpu = cpu() - cpu;
            // The numbered picture is for judging only, and costs no time here.
            write(Path.of(task[3]), analyse(binary, ParticleAnalyzer.SHOW_ROI_MASKS, least, most));
            System.out.println("{\"wall\": " + wall * 1e-9 + ", \"cpu\": " + cpu * 1e-9 + "}");
        }
    }

    private static ByteProcessor segment(ColorProcessor colours) {
        int columns = colours.getWidth(), rows = colours.getHeight();
        byte[] hue = new byte[rows * columns], saturation = new byte[rows * columns], value = new byte[rows * columns];
        colours.getHSB(hue, saturation, value);
        ByteProcessor stain = new ByteProcessor(columns, rows, saturation, null);
        stain.threshold(new AutoThresholder().getThreshold(AutoThresholder.Method.Otsu, stain.getHistogram()));
        ImagePlus mask = new ImagePlus("nuclei", stain);
        for (String step : new String[] {"open", "fill"}) {
            Binary binary = new Binary();
            binary.setup(step, mask);
            binary.setNPasses(1);
            binary.run(stain);
        }
        new EDM().toWatershed(stain);
        return stain;
    }

    private static ImageProcessor analyse(ByteProcessor binary, int show, double least, double most) {
        int wanted = Measurements.AREA | Measurements.CENTROID | Measurements.PERIMETER | Measurements.ELLIPSE
            | Measurements.SHAPE_DESCRIPTORS | Measurements.RECT;
        ByteProcessor particles = (ByteProcessor) binary.duplicate();
        particles.setThreshold(255, 255, ImageProcessor.NO_LUT_UPDATE);
        ParticleAnalyzer analyzer = new ParticleAnalyzer(show, wanted, new ResultsTable(), least, most);
        analyzer.setHideOutputImage(true);
        analyzer.analyze(new ImagePlus("particles", particles));
        return show == ParticleAnalyzer.SHOW_NONE ? null : analyzer.getOutputImage().getProcessor();
    }

    private static int[] read(Path path, int count) throws Exception {
        byte[] raw = Files.readAllBytes(path);
        int[] out = new int[count];
        for (int i = 0; i < count; i++) {
            out[i] = (raw[3 * i] & 255) << 16 | (raw[3 * i + 1] & 255) << 8 | (raw[3 * i + 2] & 255);
        }
        return out;
    }

    private static void write(Path path, ImageProcessor labels) throws Exception {
        ByteBuffer out = ByteBuffer.allocate(4 * labels.getPixelCount()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < labels.getPixelCount(); i++) {
            out.putInt((int) labels.getf(i));
        }
        Files.write(path, out.array());
    }

    private static long cpu() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
            .getProcessCpuTime();
    }
}
