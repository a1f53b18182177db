import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** Allows users to do things: Grant BROKER USER:TYPE:NAME:OPERATION,OPERATION... as Strimzi does for a KafkaUser. */
public final class Grant {
    public static void main(String[] arguments) throws Exception {
        List<AclBinding> bindings = new ArrayList<>();
        for (String argument : List.of(arguments).subList(1, arguments.length)) {
            String[] parts = argument.split(":");
            ResourcePattern pattern =
                    new ResourcePattern(ResourceType.fromString(parts[1]), parts[2], PatternType.LITERAL);
            for (String operation : parts[3].split(",")) {
                bindings.add(new AclBinding(pattern, new AccessControlEntry(
                        "User:" + parts[0], "*", AclOperation.fromString(operation), AclPermissionType.ALLOW)));
            }
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", (Object) arguments[0]))) {
            admin.createAcls(bindings).all().get();
        }
    }
}
