package org.backupmx.examples;

import com.sun.source.doctree.DocCommentTree;
import com.sun.source.doctree.DocTree;
import com.sun.source.doctree.ParamTree;
import com.sun.source.doctree.ThrowsTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/**
 * Finds what a reader of the API's documentation would miss: comments, and in them parameters, results and checked
 * exceptions. Works on sources alone, the same on every JDK; the JDK's own check asks for the impossible on 17: a
 * parameter's description at a record's compact constructor.
 */
final class ApiComments extends TreePathScanner<Void, Void> {

    private final DocTrees comments;
    private final List<String> missing = new ArrayList<>();

    private ApiComments(DocTrees comments) {
        this.comments = comments;
    }

    /** Returns what is missing, each as «file:line: what». */
    static List<String> missing(Iterable<? extends JavaFileObject> sources) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        JavacTask task =
                (JavacTask) compiler.getTask(null, null, diagnostic -> {}, List.of("-proc:none"), null, sources);
        ApiComments found = new ApiComments(DocTrees.instance(task));
        for (CompilationUnitTree unit : task.parse()) {

            found.scan(unit, null);
        }
        return found.missing;
    }

    @Override
    public @Nullable Void visitClass(ClassTree type, @Nullable Void nothing) {
        if (!isVisible(type.getModifiers())) {
            return null;
        }
        String name = "type " + type.getSimpleName();
        DocCommentTree comment = comment(name);
        if (comment != null) {
            components(type).forEach(c -> param(comment, name, c.getName().toString()));
            type.getTypeParameters()
                    .forEach(t -> param(comment, name, t.getName().toString()));
        }
        if (type.getKind() == Tree.Kind.CLASS && type.getMembers().stream().noneMatch(ApiComments::isConstructor)) {
            miss("a constructor with a comment in " + name);
        }
        return super.visitClass(type, null);
    }

    private static boolean isConstructor(Tree member) {
        return member instanceof MethodTree method && method.getReturnType() == null;
    }

    @Override
    public @Nullable Void visitMethod(MethodTree method, @Nullable Void nothing) {
        boolean overrides = method.getModifiers().getAnnotations().stream()
                .anyMatch(
                        annotation -> annotation.getAnnotationType().toString().equals("Override"));
        if (isVisible(method.getModifiers()) && !overrides) {
            String name = method.getReturnType() == null ? "constructor" : "method " + method.getName();
            DocCommentTree comment = comment(name);
            if (comment != null) {
                tags(method, name, comment);
            }
        }
        return null;
    }

    private void tags(MethodTree method, String name, DocCommentTree comment) {
        if (!isCanonical(method)) {
            method.getParameters().forEach(p -> param(comment, name, p.getName().toString()));
        }
        method.getTypeParameters().forEach(t -> param(comment, name, t.getName().toString()));
        boolean returns = method.getReturnType() != null
                && !method.getReturnType().toString().equals("void");
        if (returns && !has(comment, DocTree.Kind.RETURN)) {
            miss("@return of " + name);
        }
        Set<String> told = new HashSet<>();
        comment.getBlockTags().stream()
                .filter(ThrowsTree.class::isInstance)
                .forEach(tag -> told.add(((ThrowsTree) tag).getExceptionName().toString()));
        method.getThrows().stream()
                .filter(thrown -> !told.contains(thrown.toString()))
                .forEach(thrown -> miss("@throws " + thrown + " of " + name));
    }

    /** The parameters of a record's canonical constructor are its components, which the record's comment tells of. */
    private boolean isCanonical(MethodTree method) {
        ClassTree owner = (ClassTree) getCurrentPath().getParentPath().getLeaf();
        return owner.getKind() == Tree.Kind.RECORD
                && method.getReturnType() == null
                && names(method.getParameters()).equals(names(components(owner)));
    }

    private static List<String> names(List<? extends VariableTree> variables) {
        return variables.stream().map(variable -> variable.getName().toString()).toList();
    }

    private static List<VariableTree> components(ClassTree record) {
        return record.getMembers().stream()
                .filter(member -> member instanceof VariableTree field && isComponent(record, field))
                .map(VariableTree.class::cast)
                .toList();
    }

    private static boolean isComponent(ClassTree owner, VariableTree field) {
        return owner.getKind() == Tree.Kind.RECORD
                && !field.getModifiers().getFlags().contains(Modifier.STATIC);
    }

    @Override
    public @Nullable Void visitVariable(VariableTree field, @Nullable Void nothing) {
        ClassTree owner = (ClassTree) getCurrentPath().getParentPath().getLeaf();
        if (!isComponent(owner, field) && isVisible(field.getModifiers())) {
            comment("field " + field.getName());
        }
        return null;
    }

    private boolean isVisible(ModifiersTree modifiers) {
        Set<Modifier> flags = modifiers.getFlags();
        Tree parent = getCurrentPath().getParentPath().getLeaf();
        boolean ofInterface = parent.getKind() == Tree.Kind.INTERFACE || parent.getKind() == Tree.Kind.ANNOTATION_TYPE;
        return flags.contains(Modifier.PUBLIC)
                || (flags.contains(Modifier.PROTECTED) && !isFinal(parent))
                || (ofInterface && !flags.contains(Modifier.PRIVATE));
    }

    private static boolean isFinal(Tree type) {
        return type instanceof ClassTree owner
                && owner.getModifiers().getFlags().contains(Modifier.FINAL);
    }

    private @Nullable DocCommentTree comment(String of) {
        DocCommentTree comment = comments.getDocCommentTree(getCurrentPath());
        if (comment == null || comment.getFullBody().isEmpty()) {
            miss("a comment at " + of);
            return null;
        }
        return comment;
    }

    private void param(DocCommentTree comment, String of, String name) {
        boolean told = comment.getBlockTags().stream()
                .anyMatch(tag -> tag instanceof ParamTree param
                        && param.getName().toString().equals(name)
                        && !param.getDescription().isEmpty());
        if (!told) {
            miss("@param " + name + " of " + of);
        }
    }

    private static boolean has(DocCommentTree comment, DocTree.Kind kind) {
        return comment.getBlockTags().stream().anyMatch(tag -> tag.getKind() == kind)
                || comment.getFullBody().stream().anyMatch(part -> part.getKind() == kind);
    }

    private void miss(String what) {
        TreePath path = getCurrentPath();
        CompilationUnitTree in = path.getCompilationUnit();
        long position = comments.getSourcePositions().getStartPosition(in, path.getLeaf());
        String file = in.getSourceFile().getName();
        missing.add(file.substring(file.lastIndexOf('/') + 1) + ":"
                + in.getLineMap().getLineNumber(position) + ": " + what);
    }
}
