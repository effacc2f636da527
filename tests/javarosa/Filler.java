import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.javarosa.core.model.Constants;
import org.javarosa.core.model.CoreModelModule;
import org.javarosa.core.model.FormDef;
import org.javarosa.core.model.FormIndex;
import org.javarosa.core.model.SelectChoice;
import org.javarosa.core.model.ValidateOutcome;
import org.javarosa.core.model.data.DateTimeData;
import org.javarosa.core.model.data.IAnswerData;
import org.javarosa.core.model.data.MultipleItemsData;
import org.javarosa.core.model.data.SelectMultiData;
import org.javarosa.core.model.data.SelectOneData;
import org.javarosa.core.model.data.StringData;
import org.javarosa.core.model.data.helper.Selection;
import org.javarosa.core.model.instance.InstanceInitializationFactory;
import org.javarosa.core.model.instance.TreeElement;
import org.javarosa.core.model.instance.TreeReference;
import org.javarosa.core.model.utils.IPreloadHandler;
import org.javarosa.core.reference.Reference;
import org.javarosa.core.reference.ReferenceFactory;
import org.javarosa.core.reference.ReferenceManager;
import org.javarosa.core.services.IPropertyManager;
import org.javarosa.core.services.PropertyManager;
import org.javarosa.core.services.PrototypeManager;
import org.javarosa.core.services.properties.IPropertyRules;
import org.javarosa.form.api.FormEntryController;
import org.javarosa.form.api.FormEntryModel;
import org.javarosa.form.api.FormEntryPrompt;
import org.javarosa.model.xform.XFormSerializingVisitor;
import org.javarosa.model.xform.XFormsModule;
import org.javarosa.xform.util.XFormAnswerDataParser;
import org.javarosa.xform.util.XFormUtils;

/**
 * Fills forms with JavaRosa, the engine inside ODK Collect, one JSON request a line.
 *
 * Request: {"xform": text, "media": {file name: text}, "answers": {path or name: text}, "choicesOf": [path or name],
 * "language": text or null, "at": instant or null}. Answer: {"xml": text, "shown": {path: label}, "choices": {path: [[value, label]]}} or
 * {"refused": {"kind", "path", "message"}, "shown", "choices"} or {"broken": text} when the form itself cannot be used.
 *
 * Questions are met in order, as a finger swipes through them: an answer that a constraint refuses ends the filling.
 * A path numbers its repeats, "/data/visit[2]/weight"; a bare name means the question of that name wherever it is.
 */
public final class Filler {
    private static final class Refused extends Exception {
        final Map<String, Object> facts = new LinkedHashMap<>();

        Refused(String kind, String path, String message) {
            super(kind);
            facts.put("kind", kind);
            facts.put("path", path);
            facts.put("message", message == null ? "" : message);
        }
    }

    private final Map<String, Object> answers;
    private final List<Object> choicesOf;
    private final Set<String> used = new LinkedHashSet<>();
    private final Map<String, Object> shown = new LinkedHashMap<>();
    private final Map<String, Object> choices = new LinkedHashMap<>();
    private final FormDef form;
    private final FormEntryModel model;
    private final FormEntryController controller;

    private Filler(FormDef form, Map<String, Object> answers, List<Object> choicesOf, String language) {
        this.form = form;
        this.answers = answers;
        this.choicesOf = choicesOf;
        this.model = new FormEntryModel(form);
        this.controller = new FormEntryController(model);
        if (language != null) {
            controller.setLanguage(language);
        }
    }

    public static void main(String[] args) throws IOException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // what the engine prints is not the protocol
        PrototypeManager.registerPrototypes(CoreModelModule.classNames);
        new XFormsModule().registerModule();
        PropertyManager.setPropertyManager(new Device(args[0]));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<String, Object> answer;
            try {
                answer = serve(Json.object(new Json(line).value()));
            } catch (Exception | StackOverflowError broken) {
                broken.printStackTrace();
                answer = Map.of("broken", broken.toString());
            }
            out.println(Json.text(answer));
        }
    }

    private static Map<String, Object> serve(Map<String, Object> request) throws Exception {
        Path folder = Files.createTempDirectory("media");
        try {
            for (Map.Entry<String, Object> file : Json.object(request.get("media")).entrySet()) {
                Files.writeString(folder.resolve(file.getKey()), (String) file.getValue());
            }
            ReferenceManager.instance().reset();
            ReferenceManager.instance().addReferenceFactory(new MediaFolder(folder));
            byte[] xform = ((String) request.get("xform")).getBytes(StandardCharsets.UTF_8);
            FormDef form = XFormUtils.getFormFromInputStream(new ByteArrayInputStream(xform));
            if (request.get("at") != null) {
                form.getPreloader().addPreloadHandler(new Clock(Date.from(Instant.parse((String) request.get("at")))));
            }
            form.initialize(true, new InstanceInitializationFactory());
            return new Filler(form, Json.object(request.get("answers")), Json.list(request.get("choicesOf")),
                (String) request.get("language")).fill();
        } finally {
            try (Stream<Path> inside = Files.walk(folder)) {
                inside.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
            }
        }
    }

    private Map<String, Object> fill() throws IOException {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("shown", shown);
        answer.put("choices", choices);
        try {
            walk();
            ValidateOutcome outcome = form.validate();
            if (outcome != null) {
                refuse(outcome.outcome, model.getQuestionPrompt(outcome.failedPrompt), outcome.failedPrompt);
            }
            controller.finalizeFormEntry();
            byte[] xml = new XFormSerializingVisitor().serializeInstance(form.getInstance());
            answer.put("xml", new String(xml, StandardCharsets.UTF_8));
        } catch (Refused refused) {
            answer.put("refused", refused.facts);
        }
        return answer;
    }

    private void walk() throws Refused {
        controller.jumpToIndex(FormIndex.createBeginningOfFormIndex());
        int event = controller.stepToNextEvent();
        while (event != FormEntryController.EVENT_END_OF_FORM) {
            if (event == FormEntryController.EVENT_QUESTION) {
                ask(model.getFormIndex(), model.getQuestionPrompt());
            } else if (event == FormEntryController.EVENT_PROMPT_NEW_REPEAT) {
                String repeat = path(model.getFormIndex().getReference());
                if (answers.keySet().stream().anyMatch(key -> key.startsWith(repeat + "/"))) {
                    controller.newRepeat();
                }
            }
            event = controller.stepToNextEvent();
        }
        for (String key : answers.keySet()) {
            if (!used.contains(key)) {
                throw new Refused("not_asked", key, "the form did not ask this question");
            }
        }
    }

    private void ask(FormIndex index, FormEntryPrompt prompt) throws Refused {
        String path = path(index.getReference());
        String name = index.getReference().getNameLast();
        shown.put(path, prompt.getQuestionText());
        if (choicesOf.contains(path) || choicesOf.contains(name)) {
            List<Object> offered = new ArrayList<>();
            for (SelectChoice choice : prompt.getSelectChoices()) {
                offered.add(List.of(choice.getValue(), String.valueOf(prompt.getSelectChoiceText(choice))));
            }
            choices.put(path, offered);
        }
        if (prompt.isReadOnly()) {
            return;
        }
        String key = answers.containsKey(path) ? path : name;
        boolean given = answers.containsKey(key);
        if (given) {
            used.add(key);
        }
        IAnswerData data = given ? typed((String) answers.get(key), prompt, path) : untouched(prompt, path);
        refuse(controller.answerQuestion(index, data, true), prompt, index);
    }

    /** What a question holds when the finger passes it by; a choice that is no longer offered is dropped, as on the phone. */
    private IAnswerData untouched(FormEntryPrompt prompt, String path) {
        IAnswerData held = prompt.getAnswerValue();
        if (held == null || prompt.getControlType() != Constants.CONTROL_SELECT_ONE) {
            return held;
        }
        try {
            return typed(held.uncast().getString(), prompt, path);
        } catch (Refused noLongerOffered) {
            return null;
        }
    }

    private IAnswerData typed(String text, FormEntryPrompt prompt, String path) throws Refused {
        if (text == null || text.isEmpty()) {
            return null;
        }
        switch (prompt.getControlType()) {
            case Constants.CONTROL_SELECT_ONE:
                return new SelectOneData(selection(text, prompt, path));
            case Constants.CONTROL_SELECT_MULTI:
            case Constants.CONTROL_RANK:
                List<Selection> chosen = new ArrayList<>();
                for (String value : text.trim().split("\\s+")) {
                    chosen.add(selection(value, prompt, path));
                }
                return prompt.getControlType() == Constants.CONTROL_RANK
                    ? new MultipleItemsData(chosen) : new SelectMultiData(chosen);
            case Constants.CONTROL_TRIGGER:
                return new StringData(text);
            default:
                IAnswerData data = XFormAnswerDataParser.getAnswerData(text, prompt.getDataType(), prompt.getQuestion());
                if (data == null) {
                    throw new Refused("bad_value", path, "cannot be typed here: " + text);
                }
                return data;
        }
    }

    private static Selection selection(String value, FormEntryPrompt prompt, String path) throws Refused {
        for (SelectChoice choice : prompt.getSelectChoices()) {
            if (choice.getValue().equals(value)) {
                return choice.selection();
            }
        }
        throw new Refused("no_such_choice", path, "not offered: " + value);
    }

    private void refuse(int verdict, FormEntryPrompt prompt, FormIndex index) throws Refused {
        if (verdict == FormEntryController.ANSWER_REQUIRED_BUT_EMPTY) {
            throw new Refused("required", path(index.getReference()), prompt.getQuestionText());
        }
        if (verdict == FormEntryController.ANSWER_CONSTRAINT_VIOLATED) {
            throw new Refused("constraint", path(index.getReference()), prompt.getConstraintText());
        }
    }

    /** "/data/visit[2]/weight": a repeat bears its number, everything else none. */
    private String path(TreeReference reference) {
        StringBuilder text = new StringBuilder();
        for (int level = 0; level < reference.size(); level++) {
            text.append('/').append(reference.getName(level));
            TreeElement element = form.getMainInstance().getTemplatePath(reference.getSubReference(level));
            if (element != null && element.isRepeatable()) {
                text.append('[').append(reference.getMultiplicity(level) + 1).append(']');
            }
        }
        return text.toString();
    }

    /** jr://file/x, jr://file-csv/x, jr://images/x ...: all media of a form lie in one folder, as on the phone. */
    private record MediaFolder(Path folder) implements ReferenceFactory {
        @Override public boolean derives(String uri) { return uri.startsWith("jr://"); }
        @Override public Reference derive(String uri) {
            return new MediaFile(uri, folder.resolve(uri.substring(uri.lastIndexOf('/') + 1)));
        }
        @Override public Reference derive(String uri, String context) { return derive(uri); }
    }

    private record MediaFile(String uri, Path path) implements Reference {
        @Override public boolean doesBinaryExist() { return Files.exists(path); }
        @Override public InputStream getStream() throws IOException { return Files.newInputStream(path); }
        @Override public String getURI() { return uri; }
        @Override public String getLocalURI() { return path.toString(); }
        @Override public boolean isReadOnly() { return true; }
        @Override public OutputStream getOutputStream() { throw new UnsupportedOperationException("media are read only"); }
        @Override public void remove() { throw new UnsupportedOperationException("media are read only"); }
        @Override public Reference[] probeAlternativeReferences() { return new Reference[0]; }
    }

    /** When a form is opened and finished, where a test has another time than this machine; today() stays the machine's. */
    private record Clock(Date at) implements IPreloadHandler {
        @Override public String preloadHandled() { return "timestamp"; }
        @Override public IAnswerData handlePreload(String which) {
            return which.equals("start") ? new DateTimeData(at) : null;
        }
        @Override public boolean handlePostProcess(TreeElement node, String which) {
            if (which.equals("end")) {
                node.setAnswer(new DateTimeData(at));
            }
            return which.equals("end");
        }
    }

    /** What a form asks of the device, and of who is set up on it; what the engine would remember there is let go. */
    private record Device(String id) implements IPropertyManager {
        @Override public String getSingularProperty(String name) {
            return switch (name.toLowerCase(Locale.ROOT)) {
                case "deviceid" -> id;
                case "username" -> "bu.tuti";
                case "phonenumber" -> "+6281200000000";
                case "email" -> "tuti@example.org";
                default -> null;
            };
        }
        @Override public List<String> getProperty(String name) { return List.of(getSingularProperty(name)); }
        @Override public void setProperty(String name, String value) { }
        @Override public void setProperty(String name, List<String> value) { }
        @Override public void addRules(IPropertyRules rules) { }
        @Override public List<IPropertyRules> getRules() { return List.of(); }
    }

    /** The little JSON this protocol needs (objects, arrays, strings, null): the jar carries no library for it. */
    private static final class Json {
        private final String source;
        private int at = 0;

        Json(String source) {
            this.source = source;
        }

        @SuppressWarnings("unchecked")
        static Map<String, Object> object(Object value) {
            return value == null ? Map.of() : (Map<String, Object>) value;
        }

        @SuppressWarnings("unchecked")
        static List<Object> list(Object value) {
            return value == null ? List.of() : (List<Object>) value;
        }

        Object value() {
            switch (peek()) {
                case '{':
                    Map<String, Object> members = new LinkedHashMap<>();
                    for (at++; peek() != '}'; skip(',')) {
                        String key = string();
                        skip(':');
                        members.put(key, value());
                    }
                    at++;
                    return members;
                case '[':
                    List<Object> items = new ArrayList<>();
                    for (at++; peek() != ']'; skip(',')) {
                        items.add(value());
                    }
                    at++;
                    return items;
                case '"':
                    return string();
                default:
                    at += "null".length();
                    return null;
            }
        }

        private char peek() {
            while (Character.isWhitespace(source.charAt(at))) {
                at++;
            }
            return source.charAt(at);
        }

        private void skip(char separator) {
            if (peek() == separator) {
                at++;
            }
        }

        private String string() {
            peek();
            StringBuilder text = new StringBuilder();
            for (at++; source.charAt(at) != '"'; at++) {
                char next = source.charAt(at);
                if (next == '\\') {
                    next = source.charAt(++at);
                    if (next == 'u') {
                        next = (char) Integer.parseInt(source.substring(at + 1, at + 5), 16);
                        at += 4;
                    } else {
                        int escape = "bfnrt".indexOf(next);
                        next = escape < 0 ? next : "\b\f\n\r\t".charAt(escape);
                    }
                }
                text.append(next);
            }
            at++;
            return text.toString();
        }

        static String text(Object value) {
            if (value instanceof Map<?, ?> members) {
                List<String> parts = new ArrayList<>();
                members.forEach((key, item) -> parts.add(text(key) + ":" + text(item)));
                return "{" + String.join(",", parts) + "}";
            }
            if (value instanceof List<?> items) {
                return "[" + String.join(",", items.stream().map(Json::text).toList()) + "]";
            }
            return value == null ? "null" : quoted((String) value);
        }

        private static String quoted(String raw) {
            StringBuilder text = new StringBuilder("\"");
            for (char next : raw.toCharArray()) {
                if (next == '"' || next == '\\') {
                    text.append('\\').append(next);
                } else if (next < 0x20 || next > 0x7e) {
                    text.append(String.format("\\u%04x", (int) next));
                } else {
                    text.append(next);
                }
            }
            return text.append('"').toString();
        }
    }
}
