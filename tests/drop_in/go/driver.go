// driver: the official Go driver, led by a test: lines of Extended JSON in, a line for each out,
// {result: document} or {error: text}.
//
// Reads first {uri, db, keyVaultNamespace, kmsProviders, schemaMap, extraOptions}, then {call, args}
// for the collection `patients`, which is encrypted automatically, or {memoryMap: true}. Without
// schemaMap the calls are those of ClientEncryption.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

var background = context.Background()

type settings struct {
	URI               string                            `bson:"uri"`
	DB                string                            `bson:"db"`
	KeyVaultNamespace string                            `bson:"keyVaultNamespace"`
	KmsProviders      map[string]map[string]interface{} `bson:"kmsProviders"`
	SchemaMap         map[string]interface{}            `bson:"schemaMap"`
	ExtraOptions      map[string]interface{}            `bson:"extraOptions"`
}

type request struct {
	Call      string `bson:"call"`
	Args      bson.A `bson:"args"`
	MemoryMap bool   `bson:"memoryMap"`
}

// What answers the calls once the settings are known.
type program func(request) (interface{}, error)

func automatic(s settings) (program, error) {
	for name, value := range s.ExtraOptions {
		if list, ok := value.(primitive.A); ok { // the driver takes texts alone
			var texts []string
			for _, text := range list {
				texts = append(texts, text.(string))
			}
			s.ExtraOptions[name] = texts
		}
	}
	auto := options.AutoEncryption().
		SetKeyVaultNamespace(s.KeyVaultNamespace).
		SetKmsProviders(s.KmsProviders).
		SetSchemaMap(s.SchemaMap).
		SetExtraOptions(s.ExtraOptions)
	client, err := mongo.Connect(background, options.Client().ApplyURI(s.URI).SetAutoEncryptionOptions(auto))
	if err != nil {
		return nil, err
	}
	patients := client.Database(s.DB).Collection("patients")
	return func(r request) (interface{}, error) { return collectionCall(patients, r.Call, r.Args) }, nil
}

func documents(cursor *mongo.Cursor, err error) (interface{}, error) {
	if err != nil {
		return nil, err
	}
	all := []bson.D{}
	err = cursor.All(background, &all)
	return bson.D{{"documents", all}}, err
}

func document(result *mongo.SingleResult) (interface{}, error) {
	var d bson.D
	err := result.Decode(&d)
	return d, err
}

func counts(result *mongo.UpdateResult, err error) (interface{}, error) {
	if err != nil {
		return nil, err
	}
	return bson.D{{"modifiedCount", result.ModifiedCount}}, nil
}

func field(d interface{}, name string) interface{} { return d.(bson.D).Map()[name] }

func writeModels(list bson.A) (models []mongo.WriteModel) {
	for _, item := range list {
		kind, of := item.(bson.D)[0].Key, item.(bson.D)[0].Value
		switch kind {
		case "insertOne":
			models = append(models, mongo.NewInsertOneModel().SetDocument(field(of, "document")))
		case "updateOne":
			models = append(models, mongo.NewUpdateOneModel().
				SetFilter(field(of, "filter")).SetUpdate(field(of, "update")))
		case "replaceOne":
			models = append(models, mongo.NewReplaceOneModel().
				SetFilter(field(of, "filter")).SetReplacement(field(of, "replacement")))
		case "deleteOne":
			models = append(models, mongo.NewDeleteOneModel().SetFilter(field(of, "filter")))
		}
	}
	return models
}

func collectionCall(patients *mongo.Collection, call string, args bson.A) (interface{}, error) {
	switch call {
	case "insertOne":
		_, err := patients.InsertOne(background, args[0])
		return bson.D{}, err
	case "insertMany":
		_, err := patients.InsertMany(background, args[0].(bson.A))
		return bson.D{}, err
	case "find":
		o := options.Find()
		if len(args) > 1 {
			o.SetBatchSize(field(args[1], "batchSize").(int32))
		}
		return documents(patients.Find(background, args[0], o))
	case "aggregate":
		return documents(patients.Aggregate(background, args[0]))
	case "distinct":
		values, err := patients.Distinct(background, args[0].(string), args[1])
		return values, err
	case "updateOne":
		return counts(patients.UpdateOne(background, args[0], args[1]))
	case "replaceOne":
		return counts(patients.ReplaceOne(background, args[0], args[1]))
	case "bulkWrite":
		result, err := patients.BulkWrite(background, writeModels(args[0].(bson.A)))
		if err != nil {
			return nil, err
		}
		return bson.D{
			{"insertedCount", result.InsertedCount},
			{"modifiedCount", result.ModifiedCount},
			{"deletedCount", result.DeletedCount},
		}, nil
	case "findOneAndUpdate":
		after := options.FindOneAndUpdate().SetReturnDocument(options.After)
		return document(patients.FindOneAndUpdate(background, args[0], args[1], after))
	case "countDocuments":
		n, err := patients.CountDocuments(background, args[0])
		return bson.D{{"n", n}}, err
	case "deleteOne":
		result, err := patients.DeleteOne(background, args[0])
		if err != nil {
			return nil, err
		}
		return bson.D{{"deletedCount", result.DeletedCount}}, nil
	}
	return nil, errors.New("no such call: " + call)
}

func explicit(s settings) (program, error) {
	client, err := mongo.Connect(background, options.Client().ApplyURI(s.URI))
	if err != nil {
		return nil, err
	}
	encryption, err := mongo.NewClientEncryption(client, options.ClientEncryption().
		SetKeyVaultNamespace(s.KeyVaultNamespace).SetKmsProviders(s.KmsProviders))
	if err != nil {
		return nil, err
	}
	return func(r request) (interface{}, error) { return encryptionCall(encryption, r.Call, r.Args) }, nil
}

func encryptionCall(encryption *mongo.ClientEncryption, call string, args bson.A) (interface{}, error) {
	switch call {
	case "createDataKey":
		o := options.DataKey()
		for _, name := range field(args[1], "keyAltNames").(bson.A) {
			o.SetKeyAltNames(append(o.KeyAltNames, name.(string)))
		}
		id, err := encryption.CreateDataKey(background, args[0].(string), o)
		return bson.D{{"value", id}}, err
	case "encrypt":
		o := options.Encrypt().SetAlgorithm(field(args[1], "algorithm").(string))
		if name, ok := field(args[1], "keyAltName").(string); ok {
			o.SetKeyAltName(name)
		}
		if id, ok := field(args[1], "keyId").(primitive.Binary); ok {
			o.SetKeyID(id)
		}
		kind, value, err := bson.MarshalValue(args[0])
		if err != nil {
			return nil, err
		}
		sealed, err := encryption.Encrypt(background, bson.RawValue{Type: kind, Value: value}, o)
		return bson.D{{"value", sealed}}, err
	case "decrypt":
		value, err := encryption.Decrypt(background, args[0].(primitive.Binary))
		return bson.D{{"value", value}}, err
	}
	return nil, errors.New("no such call: " + call)
}

func connect(line []byte) (program, error) {
	var s settings
	if err := bson.UnmarshalExtJSON(line, false, &s); err != nil {
		return nil, err
	}
	for _, provider := range s.KmsProviders { // the driver takes bytes alone
		if key, ok := provider["key"].(primitive.Binary); ok {
			provider["key"] = key.Data
		}
	}
	if s.SchemaMap == nil {
		return explicit(s)
	}
	return automatic(s)
}

func answer(p program, line []byte) (interface{}, error) {
	var r request
	if err := bson.UnmarshalExtJSON(line, false, &r); err != nil {
		return nil, err
	}
	if r.MemoryMap {
		maps, err := os.ReadFile("/proc/self/maps")
		return bson.D{{"memoryMap", string(maps)}}, err
	}
	return p(r)
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	var p program
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		line = bytes.TrimSpace(line)
		var result interface{} = bson.D{}
		if p == nil {
			p, err = connect(line)
		} else {
			result, err = answer(p, line)
		}
		reply := bson.D{{"result", result}}
		if err != nil {
			reply = bson.D{{"error", err.Error()}}
		}
		text, err := bson.MarshalExtJSON(reply, true, false)
		if err != nil {
			text, _ = bson.MarshalExtJSON(bson.D{{"error", err.Error()}}, true, false)
		}
		fmt.Println(string(text))
	}
}
